import { inTime, type Offloadable, offloadable, type Worksite } from './offloadable';

function double(n: number): number {
  return 2 * n;
}
const DOUBLE = offloadable(__filename, double, { consumes: false });

describe('inTime', () => {
  type Work = <Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
  ) => Value | Promise<Value>;
  const site = (work: Work): Worksite => Object.assign(work, { mostJsonBytes: 1000 });
  const busy = site(() => new Promise<never>(() => undefined));
  const quick = site((work, _bytes, args) => Promise.resolve(work.call(...args)));
  const here = site((work, _bytes, args) => work.call(...args));

  it('waits for another thread until the deadline of the call, as it is by then', async () => {
    const call = { deadlineMs: Infinity };
    const work = inTime(busy, call);
    call.deadlineMs = performance.now() + 1;
    await expect(work(DOUBLE, 10, [2])).rejects.toMatchObject({ code: 'deadline_exceeded' });
  });

  it('hands on what comes in time, and at once what was done here', async () => {
    const call = { deadlineMs: performance.now() + 60_000 };
    expect(await inTime(quick, call)(DOUBLE, 10, [2])).toBe(4);
    expect(inTime(here, call)(DOUBLE, 10, [2])).toBe(4);
    expect(inTime(here, call).mostJsonBytes).toBe(1000);
  });
});
