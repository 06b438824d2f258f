import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROBE_MODEL } from '../src/runners/onnx/int8';
import { temporaryFolder } from './helpers/model-folder';

const RUNTIME = join(__dirname, '..', 'dist', 'runners', 'onnx', 'runtime.js');
const EMULATOR = '/usr/bin/qemu-x86_64';
const folder = temporaryFolder('int8');

/** What the probe's own model answers, opened like any other, on this CPU or on an emulated one. */
async function product(int8: boolean, ...emulator: string[]): Promise<number> {
  const modelFile = join(folder, 'model.onnx');
  writeFileSync(modelFile, PROBE_MODEL);
  const options = {
    modelFile,
    int8,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  };
  const script = `
    const { openRuntime } = require(${JSON.stringify(RUNTIME)});
    const a = { name: 'a', datatype: 'UINT8', shape: [1, 64], data: new Uint8Array(64).fill(255) };
    openRuntime(${JSON.stringify(options)}).then(async (session) => {
      const [y] = await session.run([a]);
      console.log(y.data[0]);
    });`;
  const [program, ...args] = [...emulator, process.execPath, '-e', script];
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  return Number(stdout);
}

const RIGHT = 64 * 255 * 127;

it('multiplies eight-bit numbers exactly on this CPU', async () => {
  expect(await product(true)).toBe(RIGHT);
});

(existsSync(EMULATOR) && process.arch === 'x64' ? it : it.skip)(
  'multiplies them exactly on a CPU without VNNI, where the runtime by itself does not',
  async () => {
    // Under the emulator V8's own compiled code is a risk that says nothing of this.
    const haswell = [EMULATOR, '-cpu', 'Haswell'];
    expect(await product(false, ...haswell)).toBeLessThan(RIGHT);
    expect(await product(true, ...haswell)).toBe(RIGHT);
  },
);
