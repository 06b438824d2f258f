import { DomainError } from '../../errors/domain-error';
import { BoundedMap } from '../bounded-map';
import type { Limits } from '../limits';
import { type AskForLease, LeasedRate } from './leased-rate';

/** What one caller has in hand in this worker, and may still spend. */
export class CallerState {
  private atOnce = 0;
  private readonly requests: LeasedRate | undefined;
  private readonly rows: LeasedRate | undefined;

  constructor(
    readonly name: string,
    readonly limits: Limits,
    ask: AskForLease,
  ) {
    const { requestsPerSecond, rowsPerSecond } = limits;
    if (requestsPerSecond !== undefined)
      this.requests = new LeasedRate(`${name} requests`, 'requests', requestsPerSecond, ask);
    if (rowsPerSecond !== undefined) this.rows = new LeasedRate(`${name} rows`, 'rows', rowsPerSecond, ask);
  }

  get idle(): boolean {
    return this.atOnce === 0;
  }

  /**
   * Counts a request as begun, whatever becomes of it; `end` ends it.
   * @throws rate_limited, also by rejecting
   */
  begin(): Promise<void> | undefined {
    const most = this.limits.requestsAtOnce;
    if (++this.atOnce > (most ?? Infinity)) {
      throw new DomainError(
        'rate_limited',
        `This caller may have ${most} requests in hand at the same time.`,
        {
          retryAfterSeconds: 1,
        },
      );
    }
    return this.requests?.spend(1);
  }

  end(): void {
    this.atOnce--;
  }

  /** @throws rate_limited, also by rejecting */
  spendRows(rows: number): Promise<void> | undefined {
    return rows === 0 ? undefined : this.rows?.spend(rows);
  }
}

/** Who has limits, and what of them is spent; the idlest are forgotten when there are too many. */
export class CallerStates {
  private readonly states: BoundedMap<CallerState>;

  /** @param maxCallers more only while more than so many have requests in hand */
  constructor(
    maxCallers: number,
    private readonly ask: AskForLease,
  ) {
    this.states = new BoundedMap(maxCallers, (state) => state.idle);
  }

  get size(): number {
    return this.states.size;
  }

  of(name: string, limits: Limits): CallerState {
    const known = this.states.get(name);
    if (known?.limits === limits) return known;
    const state = new CallerState(name, limits, this.ask);
    this.states.set(name, state);
    return state;
  }
}
