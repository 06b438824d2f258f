import { sideBySide } from './side-by-side';

describe('work side by side', () => {
  it('is done for so many at once, and answered in the order of the items', async () => {
    let running = 0;
    let most = 0;
    const results = await sideBySide([1, 2, 3, 4, 5], 2, async (item) => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return item * 10;
    });
    expect([results, most]).toEqual([[10, 20, 30, 40, 50], 2]);
  });

  it('is not begun any more once some has failed', async () => {
    const begun: number[] = [];
    const work = sideBySide([1, 2, 3, 4, 5], 2, async (item) => {
      begun.push(item);
      await new Promise(setImmediate);
      if (item === 1) throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    expect(begun).toEqual([1, 2]);
  });
});
