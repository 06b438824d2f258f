import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 25;
const LIMIT_MS = 60_000;

/** Asks until it is so; a question that throws counts as no. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
): Promise<void> {
  const endMs = performance.now() + limitMs;
  let reason = '';
  while (performance.now() < endMs) {
    try {
      if (await holds()) return;
    } catch (error) {
      reason = ` (${String(error)})`;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`After ${limitMs} ms it is still not so that ${what}${reason}.`);
}
