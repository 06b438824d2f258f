import { setImmediate } from 'node:timers/promises';
import { Lease } from './loaded-model';

/** Is the promise settled by the end of this turn of the event loop? */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await setImmediate();
  return settled;
}

describe('the use of a model version', () => {
  it('is over at once where nobody holds it', async () => {
    expect(await isSettled(new Lease().idle())).toBe(true);
  });

  it('is over for all who wait when the last one lets go, and not before', async () => {
    const use = new Lease();
    use.take();
    use.take();
    const waiting = [use.idle(), use.idle()];
    use.release();
    expect(await Promise.all(waiting.map(isSettled))).toEqual([false, false]);
    use.release();
    expect(await Promise.all(waiting.map(isSettled))).toEqual([true, true]);
  });

  it('can begin again after it was over', async () => {
    const use = new Lease();
    use.take();
    use.release();
    use.take();
    const idle = use.idle();
    expect(await isSettled(idle)).toBe(false);
    use.release();
    expect(await isSettled(idle)).toBe(true);
  });

  it('counts as last used when it was taken, however long it is held', () => {
    const use = new Lease();
    const fromMs = performance.now();
    use.take();
    const { lastUsedAtMs } = use;
    expect(lastUsedAtMs).toBeGreaterThanOrEqual(fromMs);
    use.release();
    expect(use.lastUsedAtMs).toBe(lastUsedAtMs);
  });
});
