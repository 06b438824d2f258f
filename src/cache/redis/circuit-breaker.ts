/** Failures, less what successes made good, at which the circuit opens. */
const THRESHOLD = 3;
/** What one success makes good: where more than one operation in a hundred fails, the sum grows. */
const FORGIVEN = 0.01;

/**
 * Says when to stop asking something that fails or is late more than once in a hundred times: the hundredth slowest
 * request is what users feel. It stays open until somebody who tried closes it; then the next failure opens it again.
 */
export class CircuitBreaker {
  /** How often it opened. */
  opened = 0;
  private open = false;
  private failures = 0;

  /** @param onChange called when it has opened or closed */
  constructor(private readonly onChange: () => void) {}

  get isOpen(): boolean {
    return this.open;
  }

  succeeded(): void {
    this.failures = Math.max(0, this.failures - FORGIVEN);
  }

  failed(): void {
    if (this.open) return;
    this.failures++;
    if (this.failures < THRESHOLD) return;
    this.open = true;
    this.opened++;
    this.onChange();
  }

  close(): void {
    if (!this.open) return;
    this.open = false;
    this.failures = THRESHOLD - 1;
    this.onChange();
  }
}
