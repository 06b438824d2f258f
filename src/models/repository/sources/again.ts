import { setTimeout as wait } from 'node:timers/promises';
import { backoffMs } from '../../../common/backoff';
import { SourceFault } from './source';

/** In a row, without progress between them. */
const MAX_FAILURES = 6;
const LONGEST_WAIT_MS = 60_000;

/**
 * Does work until it succeeds, fails for good, or fails too often; between tries it waits as long as the source asks for.
 * @param progressed did the last try get any further?
 */
export async function again<T>(
  signal: AbortSignal,
  work: () => Promise<T>,
  progressed: () => Promise<boolean> = () => Promise.resolve(false),
): Promise<T> {
  for (let failures = 0; ;) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SourceFault) || !error.passing) throw error;
      failures = (await progressed()) ? 1 : failures + 1;
      if (failures >= MAX_FAILURES) throw error;
      const waitMs = Math.min(error.retryAfterMs ?? backoffMs(failures), LONGEST_WAIT_MS);
      await wait(waitMs, undefined, { signal });
    }
  }
}
