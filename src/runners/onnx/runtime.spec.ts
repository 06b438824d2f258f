import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { COMPILED } from '../../../test/helpers/compiled-thread';
import { classifierModel, identityModel, textModel } from '../../../test/helpers/onnx-models';
import type { Tensor } from '../../tensors/tensor';

// The runtime belongs into a thread, so what is looked at here happens in one.
const LOOK = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { openRuntime } = require(workerData.runtime);
  const stubborn = {
    InferenceSession: class { loadModel() { throw new TypeError('Invalid argument: two are no longer enough'); } },
    listSupportedBackends: () => [{ name: 'cpu', bundled: true }],
    initOrtOnce() {},
  };
  (async () => {
    const { modelFile, inputs, binding } = workerData;
    const options = { modelFile, intraOpThreads: 1, interOpThreads: 1, graphOptimization: 'all', executionProviders: ['cpu'] };
    const session = await openRuntime(options, ...(binding === 'stubborn' ? [stubborn] : []));
    const ran = session.run(inputs);
    const atOnce = !(ran instanceof Promise);
    const outputs = await ran;
    await session.release();
    parentPort.postMessage({ atOnce, signature: { inputs: session.inputs, outputs: session.outputs }, outputs });
  })();
`;

interface Seen {
  atOnce: boolean;
  signature: unknown;
  outputs: Tensor[];
}

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'nestor-runtime-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function look(model: Uint8Array, inputs: Tensor[], binding: 'own' | 'stubborn'): Promise<Seen> {
  const modelFile = join(folder, 'model.onnx');
  writeFileSync(modelFile, model);
  const runtime = join(COMPILED, 'runners/onnx/runtime.js');
  return new Promise((resolve, reject) => {
    const worker = new Worker(LOOK, { eval: true, workerData: { runtime, modelFile, inputs, binding } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe('the runtime', () => {
  it('runs at once, by the synchronous binding of the installed version', async () => {
    const x: Tensor = { name: 'x', datatype: 'FP32', shape: [1, 3], data: new Float32Array([1, 3, 2]) };
    const { atOnce, outputs } = await look(classifierModel(), [x], 'own');
    expect(atOnce).toBe(true);
    expect(outputs[0]).toEqual({
      name: 'label',
      datatype: 'INT64',
      shape: [1],
      data: new BigInt64Array([1n]),
    });
  });

  const text: Tensor = { name: 'text', datatype: 'BYTES', shape: [2], data: ['a', 'ü'] };
  const half: Tensor = {
    name: 'x',
    datatype: 'FP16',
    shape: [1, 2],
    data: new Uint16Array([0x3c00, 0x7e01]),
  };
  it.each([
    ['text and numbers', textModel(), text],
    ['half floats', identityModel('FP16'), half],
    ['text of another shape', identityModel('BYTES', ['N', '', 1]), { ...text, name: 'x', shape: [1, 2, 1] }],
  ])(
    'gives the same by the public interface, where the binding is not what it was: %s',
    async (_, model, input) => {
      const own = await look(model, [input], 'own');
      const open = await look(model, [input], 'stubborn');
      expect(open).toEqual({ ...own, atOnce: false });
      expect(open.outputs[0]?.data).toEqual(input.data);
    },
  );
});
