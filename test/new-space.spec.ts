import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const FILE = join(__dirname, '..', process.env.NESTOR_DIST ?? 'dist', 'process', 'new-space.js');
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
