import type { ModelChange } from './messages';
import { ChangeQueue } from './change-queue';

describe('the turns of changes', () => {
  const load: ModelChange = { action: 'load', model: 'm' };
  const unload: ModelChange = { action: 'unload', model: 'm' };

  it('are no more than a model can have, and then there is room again', async () => {
    const turns = new ChangeQueue();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const taken = Array.from({ length: 100 }, (_, i) => turns.take(i % 2 === 0 ? load : unload, () => gate));
    const carryOut = jest.fn(() => Promise.resolve());
    await expect(turns.take(load, carryOut)).rejects.toMatchObject({ code: 'conflict' });
    await turns.take({ ...load, model: 'other' }, carryOut);
    open();
    await Promise.all(taken);
    await turns.take(load, carryOut);
    expect(carryOut).toHaveBeenCalledTimes(2);
  });

  it('come whatever became of those before', async () => {
    const turns = new ChangeQueue();
    const failing = expect(turns.take(load, () => Promise.reject(new Error('no memory')))).rejects.toThrow();
    await turns.take(unload, () => Promise.resolve());
    await failing;
  });
});
