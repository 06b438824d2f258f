import { setImmediate as nextTurn } from 'node:timers/promises';
import { EventLoopYield } from './event-loop-yield';

describe('TurnPacer', () => {
  let nowMs = 0;
  beforeEach(() => jest.spyOn(performance, 'now').mockImplementation(() => nowMs));
  afterEach(() => jest.restoreAllMocks());

  /** Works without a pause, as requests that keep the event loop do. */
  const workFor = (ms: number): void => {
    nowMs += ms;
  };

  it('lets what arrives in a turn go on at once while the turn is young', async () => {
    const pacer = new EventLoopYield();
    expect([pacer.wait(), pacer.wait()]).toEqual([undefined, undefined]);
    await nextTurn();
    expect(pacer.wait()).toBeUndefined();
  });

  it('lets others have a turn in between when one has lasted too long, and keeps the order', async () => {
    const pacer = new EventLoopYield();
    const order: (number | string)[] = [];
    const request = async (id: number): Promise<void> => {
      const turn = pacer.wait();
      if (turn !== undefined) await turn;
      order.push(id);
      workFor(5);
    };
    const all = [1, 2, 3, 4].map(request);
    expect(order).toEqual([1]);
    while (order.length < 6) {
      await nextTurn();
      order.push('a probe');
    }
    await Promise.all(all);
    expect(order.filter((id) => id !== 'a probe')).toEqual([1, 2, 3, 4]);
    expect(order.indexOf('a probe')).toBeLessThan(order.indexOf(4));
  });

  it('does short work of many in one turn', async () => {
    const pacer = new EventLoopYield();
    expect(pacer.wait()).toBeUndefined();
    workFor(5);
    let done = 0;
    for (let i = 0; i < 100; i++) void pacer.wait()?.then(() => done++);
    expect(done).toBe(0);
    await nextTurn();
    expect(done).toBe(100);
    await nextTurn();
    expect(pacer.wait()).toBeUndefined();
  });

  it('lets newcomers wait behind those who wait', async () => {
    const pacer = new EventLoopYield();
    expect(pacer.wait()).toBeUndefined();
    workFor(5);
    const order: string[] = [];
    void pacer.wait()?.then(() => {
      order.push('first');
      workFor(5);
    });
    void pacer.wait()?.then(() => order.push('second'));
    await nextTurn();
    await pacer.wait()?.then(() => order.push('newcomer'));
    expect(order).toEqual(['first', 'second', 'newcomer']);
  });
});
