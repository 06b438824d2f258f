/** Set by the primary alone; no setting. */
const VARIABLE = 'NESTOR_WORKER_NUMBER';

/** What a primary gives the worker of a place, from 1, into its environment. */
export function workerNumberFor(place: number): Record<string, string> {
  return { [VARIABLE]: String(place) };
}

/** The place of this worker, which its successor will have, too: `worker` in logs, in metrics and on the management port. */
export function workerNumber(): number {
  return Number(process.env[VARIABLE] ?? 0);
}
