import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { delayOf, EventLoopDelay } from './process-watch';

function ticksOf(...milliseconds: number[]): RecordableHistogram {
  const histogram = createHistogram();
  for (const ms of milliseconds) histogram.record(ms * 1e6);
  return histogram;
}

describe('event loop delay', () => {
  it('is what ticks take beyond their own interval', () => {
    const { p50, p99, max } = delayOf(ticksOf(...Array.from({ length: 98 }, () => 20), 70, 120));
    expect(p50).toBeCloseTo(0, 3);
    expect(p99).toBeCloseTo(0.05, 3);
    expect(max).toBeCloseTo(0.1, 3);
  });

  it('is never negative', () => {
    expect(delayOf(ticksOf(1, 2, 3))).toEqual({ p50: 0, p99: 0, max: 0 });
  });

  it('is nothing before the first tick', () => {
    expect(delayOf(createHistogram())).toEqual({ p50: 0, p99: 0, max: 0 });
  });

  it('can be read as often as one likes: reading takes nothing away', () => {
    const delay = new EventLoopDelay();
    expect(delay.figures()).toEqual(delay.figures());
    delay.stop();
  });
});
