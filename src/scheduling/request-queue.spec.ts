import * as fc from 'fast-check';
import { QueuedRequest, RETRY_LANE, RequestQueue } from './request-queue';
import { rowsOf } from './testing/fake-runner';

const giveUp = (): void => undefined;

function entryOf(level: number, enqueuedMs: number, rows = 1): QueuedRequest {
  const request = {
    inputs: rowsOf(new Array<number>(rows).fill(0)),
    rows,
    priority: level,
    deadlineMs: Infinity,
  };
  return new QueuedRequest(giveUp, request, level, enqueuedMs, enqueuedMs, enqueuedMs + 100 * level, true);
}

function scanAll(queue: RequestQueue): QueuedRequest[] {
  const found: QueuedRequest[] = [];
  queue.beginScan();
  for (let entry = queue.scan(); entry !== undefined; entry = queue.scan()) found.push(entry);
  return found;
}

describe('RequestQueue', () => {
  it('gives the urgent before the old, until the old has waited long enough', () => {
    const queue = new RequestQueue();
    const old = entryOf(6, 0);
    const urgent = entryOf(5, 50);
    const late = entryOf(5, 150);
    for (const entry of [old, urgent, late]) queue.push(entry);
    expect(scanAll(queue).map(({ enqueuedMs }) => enqueuedMs)).toEqual([50, 0, 150]);
    expect(queue.head()).toBe(urgent);
  });

  it('gives retries first', () => {
    const queue = new RequestQueue();
    queue.push(entryOf(1, 0));
    const retried = entryOf(9, 50);
    retried.lane = RETRY_LANE;
    queue.push(retried);
    expect(queue.head()).toBe(retried);
    expect(queue.hasRetries).toBe(true);
  });

  it('counts what is ahead of a level', () => {
    const queue = new RequestQueue();
    for (const [level, rows] of [
      [1, 2],
      [5, 3],
      [10, 4],
    ] as const)
      queue.push(entryOf(level, 0, rows));
    expect([queue.requestsAhead(1), queue.requestsAhead(5), queue.requestsAhead(10)]).toEqual([1, 2, 3]);
    expect([queue.rowsAhead(1), queue.rowsAhead(5), queue.rowsAhead(10)]).toEqual([2, 5, 9]);
  });

  it('holds what was added and not removed, in order', () => {
    const steps = fc.array(fc.record({ level: fc.integer({ min: 1, max: 10 }), removed: fc.boolean() }));
    fc.assert(
      fc.property(steps, (all) => {
        const queue = new RequestQueue();
        const entries = all.map(({ level }, i) => entryOf(level, i * 30, 1 + (i % 3)));
        for (const entry of entries) queue.push(entry);
        entries.forEach((entry, i) => all[i]!.removed && queue.remove(entry));
        const left = entries.filter((_, i) => !all[i]!.removed);
        expect(scanAll(queue).map(({ rank }) => rank)).toEqual(
          left.map(({ rank }) => rank).sort((a, b) => a - b),
        );
        expect(queue.requests).toBe(left.length);
        expect(queue.rows).toBe(left.reduce((sum, { rows }) => sum + rows, 0));
        for (const entry of left) queue.remove(entry);
        expect([queue.requests, queue.rows, queue.rowsAhead(10), queue.head()]).toEqual([0, 0, 0, undefined]);
      }),
    );
  });
});
