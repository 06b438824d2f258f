import type { Caller } from '../http/caller';
import { FAMILIES } from '../telemetry/metrics/metric-families';
import type { Tally } from '../telemetry/metrics/recorder';
import { requireScope } from './authorization';
import type { Identity } from './credentials/credentials';
import type { CallerState } from './rates/caller-state';

/** One request of a caller: who it is, if that matters, and what counts while it is in hand. */
export class Visit implements Caller {
  /** Who has proved who they are. */
  identity: Identity | undefined;
  /** Left out: there are no limits. */
  state: CallerState | undefined;

  /** Left out: its figures are not wanted. */
  tally: Tally<'callers'> | undefined;

  /**
   * @param seesAll where nobody has to prove who they are; else it takes an identity to see anything
   * @param onEnd told the status of the answer
   */
  constructor(
    private readonly seesAll: boolean,
    private readonly onEnd?: (visit: Visit, status: number) => void,
  ) {}

  get name(): string | undefined {
    return this.identity?.name;
  }

  get maxBodyBytes(): number {
    return this.state?.limits.bodyBytes ?? Infinity;
  }

  maySee(model: string): boolean {
    return this.identity?.grants.maySee(model) ?? this.seesAll;
  }

  requireInfer(model: string): void {
    if (this.identity !== undefined) requireScope(this.identity.grants, 'infer', model);
  }

  spendRows(rows: number): Promise<void> | undefined {
    this.tally?.add(FAMILIES.callerRows.at, rows);
    return this.state?.spendRows(rows);
  }

  end(status: number): void {
    this.tally?.add(FAMILIES.callerRequests.at[outcomeOf(status)]);
    this.state?.end();
    this.onEnd?.(this, status);
  }
}

/** How a request ended for whoever sent it. */
export function outcomeOf(status: number): 'done' | 'refused' | 'failed' {
  if (status < 400) return 'done';
  return status === 401 || status === 403 || status === 429 ? 'refused' : 'failed';
}
