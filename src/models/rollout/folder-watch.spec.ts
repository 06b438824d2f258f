import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderWatch } from './folder-watch';
import { ModelFolder } from '../repository/model-folder';
import { KeptLog } from '../../telemetry/logging/testing/kept-log';

const IRIS = join(__dirname, '..', '..', '..', 'models', 'iris', '1', 'model.onnx');

describe('FolderWatch', () => {
  let dir: string;
  let loads: string[];
  let watch: FolderWatch;
  const put = (version: string, from = IRIS): void => {
    mkdirSync(join(dir, 'iris', version), { recursive: true });
    cpSync(from, join(dir, 'iris', version, 'model.onnx'));
  };
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'nestor-watch-'));
    put('1');
    loads = [];
    watch = new FolderWatch({
      intervalMs: 1,
      folder: new ModelFolder(dir),
      isLoaded: (model) => model === 'iris',
      load: (model) => Promise.resolve(void loads.push(model)),
      log: new KeptLog(),
    });
    await watch.look();
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  it('leaves alone what was there at the start', async () => {
    await watch.look();
    await watch.look();
    expect(loads).toEqual([]);
  });

  it('loads a new version once it has stayed the same, and only once', async () => {
    put('2');
    await watch.look();
    expect(loads).toEqual([]);
    await watch.look();
    await watch.look();
    expect(loads).toEqual(['iris']);
  });

  it('never loads a copy that is still growing or not whole', async () => {
    const file = join(dir, 'iris', '2', 'model.onnx');
    mkdirSync(join(dir, 'iris', '2'));
    for (const part of ['x', 'xy', 'xyz']) {
      writeFileSync(file, part);
      await watch.look();
    }
    await watch.look();
    expect(loads).toEqual([]);
    put('2');
    await watch.look();
    await watch.look();
    expect(loads).toEqual(['iris']);
  });

  it('does not load models that nobody asked for', async () => {
    mkdirSync(join(dir, 'other', '1'), { recursive: true });
    cpSync(IRIS, join(dir, 'other', '1', 'model.onnx'));
    await watch.look();
    await watch.look();
    expect(loads).toEqual([]);
  });

  it('keeps in mind no model that has gone, but one that serves', async () => {
    for (const name of ['gone1', 'gone2']) {
      mkdirSync(join(dir, name, '1'), { recursive: true });
      cpSync(IRIS, join(dir, name, '1', 'model.onnx'));
      await watch.look();
      await watch.look();
      rmSync(join(dir, name), { recursive: true });
    }
    rmSync(join(dir, 'iris'), { recursive: true });
    await watch.look();
    expect([...watch['settled'].keys()]).toEqual(['iris']);
  });
});
