import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PROBE_MODEL } from '../src/runners/onnx/int8';
import { nestor } from './helpers/command-line';
import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { ANY_SPEED } from './helpers/optimizable';

const DIST = join(__dirname, '..', 'dist');
const RUNTIME = join(DIST, 'runners', 'onnx', 'runtime.js');
const EMULATOR = '/usr/bin/qemu-x86_64';
const folder = temporaryFolder('int8');

/** The options of a session, in the words of a script. */
function sessionOf(modelFile: string, int8: boolean): string {
  return JSON.stringify({
    modelFile,
    int8,
    intraOpThreads: 1,
    interOpThreads: 1,
    graphOptimization: 'all',
    executionProviders: ['cpu'],
  });
}

/** What the probe's own model answers, opened like any other, on this CPU or on an emulated one. */
async function product(int8: boolean, ...emulator: string[]): Promise<number> {
  const modelFile = join(folder, 'model.onnx');
  writeFileSync(modelFile, PROBE_MODEL);
  const script = `
    const { openRuntime } = require(${JSON.stringify(RUNTIME)});
    const a = { name: 'a', datatype: 'UINT8', shape: [1, 64], data: new Uint8Array(64).fill(255) };
    openRuntime(${sessionOf(modelFile, int8)}).then(async (session) => {
      const [y] = await session.run([a]);
      console.log(y.data[0]);
    });`;
  return Number(await said(script, emulator));
}

/** What a script prints, on this CPU or on an emulated one. */
async function said(script: string, emulator: readonly string[]): Promise<string> {
  const [program = '', ...args] = [...emulator, process.execPath, '-e', script];
  const { stdout } = await promisify(execFile)(program, args, {
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
  });
  return stdout.trim();
}

/** Does a model that `nestor optimize` made answer as was proved? Else why not. */
function proven(modelFile: string, int8: boolean, emulator: readonly string[]): Promise<string> {
  const script = `
    const at = (path) => require(${JSON.stringify(DIST)} + '/' + path);
    const { openRuntime } = at('runners/onnx/runtime.js');
    const { checkProven, OPTIMIZED } = at('models/loading/proven-answer.js');
    const { inspectModel } = at('models/repository/onnx-file/external-data.js');
    const options = ${sessionOf(modelFile, int8)};
    (async () => {
      const { metadata } = await inspectModel(options.modelFile);
      const session = await openRuntime(options);
      const runner = { inputs: [], outputs: [], run: ([inputs]) => session.run(inputs) };
      await checkProven(runner, metadata.get(OPTIMIZED));
      return 'as proved';
    })().catch(({ message }) => message).then((words) => console.log(words));`;
  return said(script, emulator);
}

const RIGHT = 64 * 255 * 127;

it('multiplies eight-bit numbers exactly on this CPU', async () => {
  expect(await product(true)).toBe(RIGHT);
});

const onHaswell = existsSync(EMULATOR) && process.arch === 'x64' ? it : it.skip;
// Under the emulator V8's own compiled code is a risk that says nothing of this.
const HASWELL = [EMULATOR, '-cpu', 'Haswell'];

onHaswell('multiplies them exactly on a CPU without VNNI, where the runtime by itself does not', async () => {
  expect(await product(false, ...HASWELL)).toBeLessThan(RIGHT);
  expect(await product(true, ...HASWELL)).toBe(RIGHT);
});

onHaswell(
  'has a model in eight bits answer there as it was proved here, and not without the option',
  async () => {
    // Every product at its largest: what is cut off shows.
    const weights = Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 32 ? 1 : -1));
    const layer = graphModel({
      steps: [
        ['Relu', ['x'], ['r']],
        ['MatMul', ['r', 'w'], ['p']],
        ['Add', ['p', 'b'], ['y']],
      ],
      inputs: { x: ['N', 64] },
      outputs: { y: ['N', 64] },
      floats: { w: [[64, 64], weights], b: [[64], 0.5] },
    });
    const ones = Array.from({ length: 64 }, () => 1);
    writeModel(folder, 'layer', layer, { version: '1', yaml: `example: { x: [[${ones.join(',')}]] }` });
    const args = ['optimize', folder, '--model', 'layer', '--form', 'row', ...ANY_SPEED];
    const { code, stderr } = await nestor(args);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const file = join(folder, 'layer', '2', 'model.onnx');
    expect(await proven(file, true, [])).toBe('as proved');
    expect(await proven(file, true, HASWELL)).toBe('as proved');
    expect(await proven(file, false, HASWELL)).toMatch(/does not answer as `nestor optimize` proved/);
  },
);
