import { Refusal } from '../../http/errors/refusal';
import type { Lease, LeaseQuestion } from './lease-book';

/** Asks whoever keeps the book for the whole server. */
export type AskForLease = (question: LeaseQuestion) => Promise<Lease>;

/** A worker asks for the tokens of so long a time, so that it asks seldom and holds little that others could spend. */
const LEASE_MS = 50;
/** What was not spent by then is no longer good: somebody else may have earned it since. */
const GOOD_FOR_MS = 1000;
/** A smaller lease is not asked for ahead: it would often lie idle here while another worker wants it. */
const AHEAD_TOKENS = 4;

interface Waiting {
  readonly cost: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** One rate of one caller as one worker spends it: out of leases, without a question for each request. */
export class LeasedRate {
  private tokens = 0;
  private goodUntilMs = 0;
  /** Of `performance.now()`: until then there is nothing to be had, and nobody is asked. */
  private spentUntilMs = 0;
  private asking = false;
  private waiting: Waiting[] = [];

  /**
   * @param key of this rate in the book
   * @param what is counted, for the message: `requests` or `rows`
   */
  constructor(
    private readonly key: string,
    private readonly what: string,
    readonly perSecond: number,
    private readonly ask: AskForLease,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Spends `cost` tokens, at once or when the answer has come.
   * @throws rate_limited, also by rejecting; what the question for tokens throws
   */
  spend(cost: number): Promise<void> | undefined {
    const nowMs = this.now();
    if (nowMs >= this.goodUntilMs) this.tokens = 0;
    if (this.waiting.length === 0 && this.tokens >= cost) {
      this.tokens -= cost;
      if (
        this.chunk >= AHEAD_TOKENS &&
        this.tokens < this.chunk / 2 &&
        !this.asking &&
        nowMs >= this.spentUntilMs
      )
        void this.renew();
      return undefined;
    }
    if (nowMs < this.spentUntilMs) throw this.refusal(this.spentUntilMs - nowMs);
    return new Promise((resolve, reject) => {
      this.waiting.push({ cost, resolve, reject });
      if (!this.asking) void this.renew();
    });
  }

  private get chunk(): number {
    return Math.max(1, Math.floor((this.perSecond * LEASE_MS) / 1000));
  }

  private async renew(): Promise<void> {
    this.asking = true;
    const asked = this.waiting;
    this.waiting = [];
    let wanted = this.chunk;
    for (const { cost } of asked) wanted += cost;
    const least = Math.max(1, (asked[0]?.cost ?? 1) - this.tokens);
    try {
      const lease = await this.ask({ key: this.key, perSecond: this.perSecond, wanted, least });
      const nowMs = this.now();
      this.tokens += lease.tokens;
      this.goodUntilMs = nowMs + GOOD_FOR_MS;
      if (lease.tokens === 0) this.spentUntilMs = nowMs + lease.retryAfterMs;
      this.share(asked, lease.retryAfterMs);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const { reject } of asked) reject(reason);
    }
    this.asking = false;
    if (this.waiting.length > 0) void this.renew();
  }

  /** In the order in which they came; who cannot have all that it needs is refused. */
  private share(asked: readonly Waiting[], retryAfterMs: number): void {
    for (const { cost, resolve, reject } of asked) {
      if (this.tokens >= cost) {
        this.tokens -= cost;
        resolve();
      } else {
        reject(this.refusal(Math.max(retryAfterMs, ((cost - this.tokens) * 1000) / this.perSecond)));
      }
    }
  }

  private refusal(waitMs: number): RateLimited {
    return new RateLimited(this.what, this.perSecond, waitMs);
  }
}

/** A caller asks for more than it may. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ */
export class RateLimited extends Refusal {
  constructor(what: string, perSecond: number, waitMs: number) {
    const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
    // `q` is the quota of a window of `w` seconds, `r` what is left of it, `t` when there is more.
    const windowSeconds = Math.max(1, Math.ceil(1 / perSecond));
    const quota = Math.max(1, Math.floor(perSecond * windowSeconds));
    const headers = [
      'ratelimit-policy',
      `"${what}";q=${quota};w=${windowSeconds}`,
      'ratelimit',
      `"${what}";r=0;t=${retryAfterSeconds}`,
    ];
    super('rate_limited', `This caller may send ${perSecond} ${what} a second.`, headers, {
      retryAfterSeconds,
    });
  }
}
