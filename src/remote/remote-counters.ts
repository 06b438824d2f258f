import { FAULT_KINDS, type FaultKind } from './remote-fault';

export type CallOutcome = 'success' | FaultKind;
export const CALL_OUTCOMES: readonly CallOutcome[] = ['success', ...FAULT_KINDS];

/** What happened at one remote of one model so far, for a recorder to read. */
export class RemoteCounters {
  /** Attempts by how they ended. */
  readonly calls: Record<CallOutcome, number> = Object.fromEntries(
    CALL_OUTCOMES.map((outcome) => [outcome, 0]),
  ) as Record<CallOutcome, number>;
  /** Time that all of them took. */
  callMs = 0;
  /** Attempts that were not a call's first. */
  retries = 0;
  /** Times that it was taken out of use. */
  ejections = 0;
  bytesSent = 0;
  bytesReceived = 0;
}
