import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/helpers/until';
import { WatchedFiles } from './watched-files';

describe('a watched file', () => {
  let folder: string;
  let file: WatchedFiles<string>;
  const values: string[] = [];
  const faults: string[] = [];

  const watch = (path: string): WatchedFiles<string> =>
    new WatchedFiles({
      paths: [path],
      maxBytes: 100,
      intervalMs: 10,
      parse: (text) => {
        if (text.includes('broken')) throw new Error('is broken');
        return text;
      },
      onChange: (value) => values.push(value),
      onFault: (reason) => faults.push(reason),
    });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestor-file-'));
    values.length = 0;
    faults.length = 0;
  });

  afterEach(() => {
    file.stop();
    rmSync(folder, { recursive: true });
  });

  it('is read again when it is written', async () => {
    const path = join(folder, 'keys');
    writeFileSync(path, 'one');
    file = watch(path);
    expect(await file.start()).toBe('one');
    writeFileSync(path, 'two');
    await until('it is two', () => values.includes('two'));
    expect(faults).toEqual([]);
  });

  it('is found behind a link that Kubernetes swaps two folders above it', async () => {
    const version = (name: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'keys'), name);
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    version('first');
    symlinkSync('..data/keys', join(folder, 'keys'));
    file = watch(join(folder, 'keys'));
    expect(await file.start()).toBe('first');
    version('second');
    await until('it is the second', () => values.includes('second'));
    expect(values).toEqual(['second']);
  });

  it('is not taken while it is half written', async () => {
    const path = join(folder, 'keys');
    writeFileSync(path, 'whole 0');
    file = watch(path);
    await file.start();
    for (let i = 1; i <= 40; i++) {
      writeFileSync(path, `half ${i}`);
      await sleep(10);
    }
    writeFileSync(path, 'whole 1');
    await until('it is whole', () => values.includes('whole 1'));
    expect(values).toEqual(['whole 1']);
  });

  it('counts as it was while it is broken or away, which is told once', async () => {
    const path = join(folder, 'keys');
    writeFileSync(path, 'one');
    file = watch(path);
    await file.start();
    writeFileSync(path, 'broken');
    await until('it is told', () => faults.length === 1);
    await sleep(300);
    expect([values, faults]).toEqual([[], ['is broken']]);
    unlinkSync(path);
    await until('it is told', () => faults.length === 2);
    expect(faults[1]).toMatch(/ENOENT/);
    writeFileSync(path, 'x'.repeat(101));
    await until('it is told', () => faults.length === 3);
    writeFileSync(path, 'one');
    await sleep(50);
    writeFileSync(path, 'broken');
    await until('it is told anew', () => faults.length === 4);
    writeFileSync(path, 'two');
    await until('it is mended', () => values.includes('two'));
  });

  it('must be sound at the start', async () => {
    const path = join(folder, 'keys');
    file = watch(path);
    await expect(file.start()).rejects.toThrow('ENOENT');
    writeFileSync(path, 'broken');
    await expect(file.start()).rejects.toThrow('is broken');
  });
});
