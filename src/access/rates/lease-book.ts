import { BoundedMap } from '../bounded-map';

/** Tokens that a worker wants of a caller's rate, to spend them by itself. */
export interface LeaseQuestion {
  /** Whose rate, and of what: one text for each that is limited. */
  readonly key: string;
  /** Tokens a second. A second's worth, but at least one, may be spent at once. */
  readonly perSecond: number;
  /** So many would be welcome. */
  readonly wanted: number;
  /** Fewer are of no use; more than a second's worth counts as that. */
  readonly least: number;
}

export interface Lease {
  /** 0, or from `least` to `wanted`. */
  readonly tokens: number;
  /** When `least` may be had again; 0 when they were given. */
  readonly retryAfterMs: number;
}

/**
 * What each caller may still spend, for the whole server: the generic cell rate algorithm, which needs one number a
 * caller, the time at which all that was spent is earned again (ITU-T I.371). What was spent beyond a second's worth,
 * by a batch larger than that, is earned before anything else is given.
 */
export class LeaseBook {
  /** Of `performance.now()`. */
  private readonly paidUpAtMs: BoundedMap<number>;

  /** @param maxCallers beyond so many the idlest is forgotten, and may spend a second's worth anew */
  constructor(maxCallers: number) {
    this.paidUpAtMs = new BoundedMap(maxCallers);
  }

  get size(): number {
    return this.paidUpAtMs.size;
  }

  lease({ key, perSecond, wanted, least }: LeaseQuestion, nowMs: number): Lease {
    const costMs = 1000 / perSecond;
    const burstMs = Math.max(1000, costMs);
    const paidUpAtMs = Math.max(this.paidUpAtMs.get(key) ?? 0, nowMs);
    const free = (nowMs + burstMs - paidUpAtMs) / costMs;
    const needed = Math.min(least, burstMs / costMs);
    // A rounding error is no reason to wait.
    if (free + 1e-6 < needed) return { tokens: 0, retryAfterMs: Math.ceil((needed - free) * costMs - 1e-3) };
    const tokens = Math.max(least, Math.min(wanted, Math.floor(free)));
    this.paidUpAtMs.set(key, paidUpAtMs + tokens * costMs);
    return { tokens, retryAfterMs: 0 };
  }
}
