import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const FILE = join(__dirname, '..', process.env.NESTOR_DIST ?? 'dist', 'process', 'v8-options.js');
/** Megabytes for new objects in a process in which something always outlives a sweep. */
function roomIn(first: string, options: string[] = []): number {
  const script = `
    const { keepNewSpace, workerOptions } = require(${JSON.stringify(FILE)});
    ${first};
    const held = [];
    for (let i = 0; i < 2_000_000; i++) held[i % 50_000] = { i, next: [i] };
    const spaces = require('node:v8').getHeapSpaceStatistics();
    console.log(spaces.find(({ space_name: name }) => name === 'new_space').space_size);`;
  const env = { PATH: process.env.PATH };
  return (
    Number(execFileSync(process.execPath, [...options, '-e', script], { env, encoding: 'utf8' })) / 2 ** 20
  );
}

/** Whole collections of a process while 2,000 buffers of 600 KB come and go beside 30 MB that stay. */
function collections(first: string): number {
  const script = `
    const { PerformanceObserver, constants } = require('node:perf_hooks');
    const { collectBuffersEarly } = require(${JSON.stringify(FILE)});
    ${first};
    let whole = 0;
    const count = (entries) =>
      entries.forEach(({ detail }) => (whole += detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR));
    const observer = new PerformanceObserver((list) => count(list.getEntries()));
    observer.observe({ entryTypes: ['gc'] });
    const live = Array.from({ length: 250_000 }, (_, i) => ({ i, next: [i] }));
    (async () => {
      await new Promise(setImmediate);
      count(observer.takeRecords());
      whole = 0;
      for (let i = 0; i < 2000; i++) {
        Buffer.allocUnsafeSlow(600_000).fill(live[i].i);
        await new Promise(setImmediate);
      }
      count(observer.takeRecords());
      console.log(whole);
    })();`;
  const env = { PATH: process.env.PATH };
  return Number(execFileSync(process.execPath, ['-e', script], { env, encoding: 'utf8' }));
}

describe('buffers that come and go', () => {
  it('are collected without whole collections', () => {
    expect(collections('collectBuffersEarly()')).toBeLessThan(5);
    // What V8 does by itself since Node 24.
    if (Number.parseInt(process.versions.v8, 10) === 13) expect(collections('')).toBeGreaterThan(8);
  });
});

describe('the room for new objects', () => {
  it('stays as it is in the process that the workers are under', () => {
    expect([roomIn('keepNewSpace()') <= 4, roomIn('') > 8]).toEqual([true, true]);
  });

  it('is bounded in workers, unless somebody has bounded it otherwise', () => {
    expect(roomIn('', ['--max-semi-space-size=8'])).toBeLessThanOrEqual(16);
    const given = (...options: string[]): unknown =>
      JSON.parse(
        execFileSync(
          process.execPath,
          [
            '-p',
            `JSON.stringify(require(${JSON.stringify(FILE)}).workerOptions(${JSON.stringify(options)}))`,
          ],
          { env: { PATH: process.env.PATH }, encoding: 'utf8' },
        ),
      );
    expect(given('--no-warnings')).toEqual(['--no-warnings', '--max-semi-space-size=8']);
    expect(given('--min_semi_space_size=4')).toEqual(['--min_semi_space_size=4']);
  });
});
