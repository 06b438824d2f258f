import { DomainError } from '../../errors/domain-error';
import { FAMILIES } from '../../telemetry/metrics/metric-families';
import type { RunContext } from '../runner';
import type { Clock } from '../../common/clock';
import { RemoteFault } from './remote-fault';
import type { RemoteEndpoint } from './remote-endpoint';
import type { RetryBudget } from './retry-budget';

export interface CallerOptions {
  /** How often a call is made again after it failed. */
  readonly retries: number;
  /** May a call that was perhaps carried out be made again? */
  readonly idempotent: boolean;
  /** For one attempt. */
  readonly timeoutMs: number;
}

/** Waits before retries double from this, and are drawn at random below it, so that calls that failed together do not come back together. */
const FIRST_WAIT_MS = 25;
const LONGEST_WAIT_MS = 1000;

/** Makes each call at the least busy remote, and again elsewhere where it failed and that may help. */
export class RemoteCaller {
  /** Where the search begins, so that equally busy remotes take turns. */
  private turn = 0;

  constructor(
    private readonly endpoints: readonly RemoteEndpoint[],
    private readonly options: CallerOptions,
    private readonly budget: RetryBudget,
    private readonly clock: Clock,
    private readonly random: () => number,
  ) {}

  /**
   * What `attempt` gives.
   * @param attempt makes the call at an endpoint, within so many milliseconds
   * @throws RemoteFault of the last attempt; DomainError `model_unavailable` when no remote is in use
   */
  async call<T>(
    attempt: (endpoint: RemoteEndpoint, timeoutMs: number) => Promise<T>,
    { signal, deadlineMs }: Pick<RunContext, 'signal' | 'deadlineMs'>,
  ): Promise<T> {
    const tried = new Set<RemoteEndpoint>();
    this.budget.earn();
    for (let retry = 0; ; retry++) {
      const endpoint = this.leastBusy(tried);
      if (endpoint === undefined) throw this.allEjected();
      if (retry > 0) endpoint.recorder.add(FAMILIES.remoteRetries.at);
      try {
        const timeoutMs = Math.min(this.options.timeoutMs, Math.max(deadlineMs - this.clock.now(), 1));
        return await endpoint.call(() => attempt(endpoint, timeoutMs));
      } catch (error) {
        tried.add(endpoint);
        if (!(error instanceof RemoteFault) || !this.mayRepeat(error, retry, tried)) throw error;
        const waitMs = this.random() * Math.min(FIRST_WAIT_MS * 2 ** retry, LONGEST_WAIT_MS);
        if (this.clock.now() + waitMs >= deadlineMs || !this.budget.spend()) throw error;
        if (!(await this.wait(waitMs, signal))) throw error;
      }
    }
  }

  private mayRepeat(fault: RemoteFault, retry: number, tried: ReadonlySet<RemoteEndpoint>): boolean {
    if (retry >= this.options.retries || !fault.mayRepeat(this.options.idempotent)) return false;
    const next = this.leastBusy(tried);
    // One that names a time is not asked again before it; that is for the client to decide.
    return next !== undefined && !(tried.has(next) && fault.retryAfterSeconds !== undefined);
  }

  /** Of those in use one that was not tried yet, if there is one, and of these the one with the fewest calls under way. */
  private leastBusy(tried: ReadonlySet<RemoteEndpoint>): RemoteEndpoint | undefined {
    const { endpoints } = this;
    const first = this.turn++ % endpoints.length;
    let best: RemoteEndpoint | undefined;
    for (let i = 0; i < endpoints.length; i++) {
      const endpoint = endpoints[(first + i) % endpoints.length]!;
      if (endpoint.inUse && (best === undefined || before(endpoint, best, tried))) best = endpoint;
    }
    return best;
  }

  private allEjected(): DomainError {
    const nowMs = this.clock.now();
    const soonestMs = Math.min(...this.endpoints.map(({ probeAtMs }) => probeAtMs));
    const message = 'No remote of the model answers; they are tried again from time to time.';
    const retryAfterSeconds = Math.max(1, Math.ceil((soonestMs - nowMs) / 1000));
    return new DomainError('model_unavailable', message, { retryAfterSeconds });
  }

  /** @returns false when nobody waits any more */
  private wait(waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const leave = (): void => {
        this.clock.clearTimeout(timer);
        resolve(false);
      };
      const timer = this.clock.setTimeout(() => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      }, waitMs);
      signal.addEventListener('abort', leave, { once: true });
    });
  }
}

function before(one: RemoteEndpoint, other: RemoteEndpoint, tried: ReadonlySet<RemoteEndpoint>): boolean {
  if (tried.has(one) !== tried.has(other)) return tried.has(other);
  return one.outstanding < other.outstanding;
}
