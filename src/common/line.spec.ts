import { Line } from './line';

describe('Line', () => {
  it('lets so many through at a time, the others in their order', async () => {
    const line = new Line(2);
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      line.through(async () => {
        begun.push(name);
        await new Promise<void>((resolve) => ends.push(resolve));
        return name;
      }),
    );
    await Promise.resolve();
    expect(begun).toEqual(['a', 'b']);
    ends[1]!();
    await all[1];
    await Promise.resolve();
    expect(begun).toEqual(['a', 'b', 'c']);
    ends[0]!();
    await all[0];
    ends[2]!();
    await all[2];
    ends[3]!();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on after what fails', async () => {
    const line = new Line(1);
    await expect(line.through(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await line.through(() => Promise.resolve('yes'))).toBe('yes');
  });
});
