import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isUnchanged, stampOf } from '../../common/file-stamp';
import { ModelFolder } from '../../models/repository/model-folder';
import type { Figures } from './figures';
import { type Keys, type Trial, TrialFolder, tune } from './tuning';

function figures(rate: number, p50: number): Figures {
  return { requests_per_second: rate, p50_ms: p50, p95_ms: p50, p99_ms: p50, failed: {} };
}

function trial(keys: Keys, rate: number, p50: number): Trial {
  return { keys, one: figures(rate, p50), many: figures(rate, p50) };
}

describe('tuning', () => {
  it('keeps what was best of one key while it tries the next, and tells throughput from latency', async () => {
    const { bestThroughput, bestLatency, trials, cutShort } = await tune(
      true,
      () => true,
      (keys) => {
        const rate = 100 * (keys.instances === 2 ? 2 : 1) * (keys.max_batch_rows === 64 ? 1.5 : 1);
        return Promise.resolve(trial(keys, rate, keys.intra_op_threads === 1 ? 4 : 8));
      },
    );
    expect(bestThroughput.keys).toEqual({ instances: 2, max_batch_rows: 64 });
    expect(bestLatency.keys).toEqual({ intra_op_threads: 1 });
    expect(trials[0]?.keys).toEqual({});
    expect(cutShort).toBe(false);
  });

  it('takes noise for noise, leaves batches alone where there are none, and what does not load', async () => {
    const { bestThroughput, trials } = await tune(
      false,
      () => true,
      (keys) => Promise.resolve(keys.instances === 1 ? undefined : trial(keys, 100 + Math.random(), 5)),
    );
    expect(bestThroughput.keys).toEqual({});
    expect(trials.some(({ keys }) => 'max_batch_rows' in keys || keys.instances === 1)).toBe(false);
  });

  it('begins no trial when its time is over', async () => {
    const { trials, cutShort } = await tune(
      true,
      () => false,
      (keys) => Promise.resolve(trial(keys, 1, 1)),
    );
    expect([trials.length, cutShort]).toEqual([1, true]);
  });
});

describe('the folder of trials', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nestor-tuning-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('has the model with other settings, and never touches its own', async () => {
    mkdirSync(join(folder, 'm', '2'), { recursive: true });
    writeFileSync(join(folder, 'm', '2', 'model.onnx'), 'bytes');
    const yaml = '# mine\ndescription: a model\ninstances: 1\n';
    writeFileSync(join(folder, 'm', 'model.yaml'), yaml);
    const trials = new TrialFolder({ ...(await new ModelFolder(folder).find('m'))!, modelDir: folder });
    trials.use({ instances: 2, max_batch_rows: 16 });
    expect(readFileSync(join(trials.modelDir, 'm', 'model.yaml'), 'utf8')).toBe(
      '# mine\ndescription: a model\ninstances: 2\nmax_batch_rows: 16\n',
    );
    expect(readFileSync(join(trials.modelDir, 'm', '2', 'model.onnx'), 'utf8')).toBe('bytes');
    expect(readFileSync(join(folder, 'm', 'model.yaml'), 'utf8')).toBe(yaml);
    trials.remove();
    expect(existsSync(trials.modelDir)).toBe(false);
  });

  it('leaves the files as they are for a server that loads or serves them meanwhile', async () => {
    const file = join(folder, 'm', '2', 'model.onnx');
    mkdirSync(join(folder, 'm', '2'), { recursive: true });
    writeFileSync(file, 'bytes');
    const stamp = await stampOf([file]);
    const trials = new TrialFolder({ ...(await new ModelFolder(folder).find('m'))!, modelDir: folder });
    expect(await isUnchanged(stamp)).toBe(true);
    trials.remove();
    expect(await isUnchanged(stamp)).toBe(true);
  });

  it('takes a file alone, with what lies beside it', async () => {
    writeFileSync(join(folder, 'flat.onnx'), 'bytes');
    writeFileSync(join(folder, 'weights.bin'), 'weights');
    const trials = new TrialFolder({
      ...(await new ModelFolder(folder, { name: 'flat', file: 'flat.onnx' }).find('flat'))!,
      modelDir: folder,
    });
    trials.use({ instances: 2 });
    const read = (name: string): string => readFileSync(join(trials.modelDir, 'flat', name), 'utf8');
    expect([read('1/model.onnx'), read('1/weights.bin'), read('model.yaml')]).toEqual([
      'bytes',
      'weights',
      'instances: 2\n',
    ]);
    trials.remove();
  });
});
