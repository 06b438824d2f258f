import type { Accuracy } from './accuracy';
import { search, type SearchJob } from './search';

/** How much each operator is off by itself; what is made of the rest of them is off by the sum. */
const HARM: Readonly<Record<string, number>> = { a: 0.001, b: 0.03, c: 0.002, d: 0.01, e: 0.001 };

/** What is made here are the names of what is left, in a line. */
function job(
  wanted: number,
  more: Partial<SearchJob<string>> = {},
): SearchJob<string> & { there: Set<string> } {
  const there = new Set<string>();
  const names = Object.keys(HARM);
  return {
    there,
    names,
    wanted,
    make: (left) => {
      there.add(left.join());
      return Promise.resolve([left.join()]);
    },
    measure: (made) => {
      const left = made.split(',');
      const cos = 1 - names.reduce((sum, name) => sum + (left.includes(name) ? 0 : HARM[name]!), 0);
      return Promise.resolve({ rows: 1, cos, cosMin: cos, maxRelative: 0 } satisfies Accuracy);
    },
    drop: (made) => {
      there.delete(made);
      return Promise.resolve();
    },
    mayGoOn: () => true,
    tell: () => undefined,
    ...more,
  };
}

describe('search', () => {
  it('leaves nothing where all together do', async () => {
    expect((await search(job(0.9))).left).toEqual([]);
  });

  it.each([
    [0.98, ['b']],
    [0.993, ['b', 'd']],
    [0.998, ['b', 'd', 'c', 'a']],
  ])('leaves as few of the worst as %d takes, and keeps nothing else', async (wanted, left) => {
    const asked = job(wanted);
    expect((await search(asked)).left).toEqual(left);
    expect([...asked.there]).toEqual([left.join()]);
  });

  it('takes the best there is where none does', async () => {
    expect((await search(job(0.99999))).left).toHaveLength(4);
  });

  it('ends with what it has when there is no time', async () => {
    let looks = 0;
    const { left } = await search(job(0.993, { mayGoOn: () => ++looks <= 3 }));
    expect(left).toEqual([]);
  });

  it('measures each way to leave the same, and takes the better one', async () => {
    const asked = job(0.98);
    const make = (left: readonly string[]): Promise<string[]> =>
      Promise.resolve(left.length === 1 ? ['', left.join()] : [left.join()]);
    expect((await search({ ...asked, make })).made).toBe('b');
  });
});
