import {
  circuitBreaker,
  type CircuitBreakerPolicy,
  CircuitState,
  handleWhen,
  type IBreaker,
} from 'cockatiel';

/** Failures, less what successes made good, at which the circuit opens. */
const THRESHOLD = 3;
/** What one success makes good: where more than one operation in a hundred fails, the sum grows. */
const FORGIVEN = 0.01;

/**
 * A circuit that `breaker` opens when what is done through it fails, and that a probe alone closes: nothing else may be
 * done through it while it is open. Whoever probes has a timer of his own, not the circuit's wall clock, which may be
 * set back.
 * @param counts is this error a failure of what is behind it?
 */
export function probedCircuit(breaker: IBreaker, counts: (error: Error) => boolean): CircuitBreakerPolicy {
  return circuitBreaker(handleWhen(counts), { breaker, halfOpenAfter: -Infinity });
}

/** Is everything but a probe to be kept from it? */
export function isOpen(circuit: CircuitBreakerPolicy): boolean {
  return circuit.state !== CircuitState.Closed;
}

/**
 * Opens a circuit whose operations fail or are late more than once in a hundred times: the hundredth slowest request is
 * what users feel. After it was closed, the next failure opens it again.
 */
export class LeakyBreaker implements IBreaker {
  /** How often it opened the circuit. */
  opened = 0;
  state = { open: false, failures: 0 };

  success(circuit: CircuitState): void {
    if (circuit === CircuitState.HalfOpen) this.state = { open: false, failures: THRESHOLD - 1 };
    else this.state.failures = Math.max(0, this.state.failures - FORGIVEN);
  }

  /** @returns whether the circuit opens; what is late while it is open says nothing new */
  failure(): boolean {
    if (this.state.open || ++this.state.failures < THRESHOLD) return false;
    this.state.open = true;
    this.opened++;
    return true;
  }
}
