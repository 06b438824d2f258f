import * as fc from 'fast-check';
import { DeadlineWatch, type Expiring } from './deadline-watch';
import { FakeClock } from '../scheduling/testing/fake-clock';

const item = (deadlineMs: number): Expiring => ({ deadlineMs, deadlineIndex: -1 });

describe('DeadlineWatch', () => {
  it('calls each item at its deadline, in order', async () => {
    const clock = new FakeClock();
    const calls: [number, number][] = [];
    const watch = new DeadlineWatch<Expiring>(clock, ({ deadlineMs }) =>
      calls.push([deadlineMs, clock.now()]),
    );
    for (const deadlineMs of [30, 10, 20, 10]) watch.add(item(deadlineMs));
    await clock.advance(100);
    expect(calls).toEqual([
      [10, 10],
      [10, 10],
      [20, 20],
      [30, 30],
    ]);
    expect(clock.timers).toBe(0);
  });

  it('has one timer for all, which settled items do not touch', async () => {
    const clock = new FakeClock();
    const watch = new DeadlineWatch<Expiring>(clock, () => undefined);
    const items = Array.from({ length: 50 }, (_, i) => item(100 + i));
    for (const each of items) watch.add(each);
    for (const each of items) watch.remove(each);
    expect(clock.timers).toBe(1);
    await clock.advance(100);
    expect(clock.timers).toBe(0);
  });

  it('waits for deadlines beyond the longest timer', async () => {
    const clock = new FakeClock();
    let calledAtMs = 0;
    const watch = new DeadlineWatch<Expiring>(clock, () => (calledAtMs = clock.now()));
    watch.add(item(2 ** 33));
    await clock.advance(2 ** 34);
    expect(calledAtMs).toBe(2 ** 33);
  });

  it('calls exactly those that are not removed, whatever the order', async () => {
    const steps = fc.array(
      fc.record({ deadlineMs: fc.integer({ min: 1, max: 50 }), removed: fc.boolean() }),
      { minLength: 10, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const clock = new FakeClock();
        const called: Expiring[] = [];
        const watch = new DeadlineWatch<Expiring>(clock, (each) => called.push(each));
        const items = all.map(({ deadlineMs }) => item(deadlineMs));
        for (const each of items) watch.add(each);
        items.forEach((each, i) => all[i]!.removed && watch.remove(each));
        await clock.advance(60);
        const expected = items.filter((_, i) => !all[i]!.removed);
        expect(new Set(called)).toEqual(new Set(expected));
        expect(called.map(({ deadlineMs }) => deadlineMs)).toEqual(
          expected.map(({ deadlineMs }) => deadlineMs).sort((a, b) => a - b),
        );
        expect([watch.size, clock.timers]).toEqual([0, 0]);
      }),
      { numRuns: 50 },
    );
  });
});
