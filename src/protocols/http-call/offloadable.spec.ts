import { inTime, offloadable, type Worksite } from './offloadable';

function double(n: number): number {
  return 2 * n;
}
const DOUBLE = offloadable(__filename, double, { consumes: false });

describe('inTime', () => {
  const busy: Worksite = () => new Promise<never>(() => undefined);
  const quick: Worksite = (work, _bytes, args) => Promise.resolve(work.call(...args));
  const here: Worksite = (work, _bytes, args) => work.call(...args);

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
  });
});
