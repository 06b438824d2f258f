import { Coalesced } from './coalesced';

/** Work that ends when it is told to. */
class Gated {
  started = 0;
  private readonly ends: ((error?: Error) => void)[] = [];
  readonly work = (): Promise<number> => {
    const run = ++this.started;
    return new Promise((resolve, reject) =>
      this.ends.push((error) => (error ? reject(error) : resolve(run))),
    );
  };

  async end(error?: Error): Promise<void> {
    this.ends.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('Coalesced', () => {
  it('runs at once when nothing runs', async () => {
    const gated = new Gated();
    const answer = new Coalesced(gated.work).run();
    await gated.end();
    await expect(answer).resolves.toBe(1);
  });

  it('gives everybody who asks during a run the next one, which they share', async () => {
    const gated = new Gated();
    const coalesced = new Coalesced(gated.work);
    const first = coalesced.run();
    const late = [coalesced.run(), coalesced.run(), coalesced.run()];
    expect(gated.started).toBe(1);
    await gated.end();
    expect(gated.started).toBe(2);
    const later = coalesced.run();
    await gated.end();
    await gated.end();
    await expect(Promise.all([first, ...late, later])).resolves.toEqual([1, 2, 2, 2, 3]);
    await gated.end();
    expect(gated.started).toBe(3);
  });

  it('goes on after a failure, which concerns its own askers alone', async () => {
    const gated = new Gated();
    const coalesced = new Coalesced(gated.work);
    const failing = expect(coalesced.run()).rejects.toThrow('no');
    const next = coalesced.run();
    await gated.end(new Error('no'));
    await failing;
    await gated.end();
    await expect(next).resolves.toBe(2);
  });
});
