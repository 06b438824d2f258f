import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as models from '../../../test/helpers/onnx-models';
import {
  floats,
  folder,
  open,
  optionsFor,
  refusal,
  saved,
  TIMEOUT_MS,
} from '../../../test/helpers/session-threads';
import { openAlone, SessionThread } from './session-thread';

jest.mock('./thread-file', () => jest.requireActual<object>('../../../test/helpers/compiled-thread'));

describe('a session thread that loads', () => {
  it('tells what the model declares, dynamic dimensions as -1, with their names', async () => {
    const thread = await open(models.classifierModel());
    expect(thread.signature).toEqual({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3], dimensions: ['N', null] }],
      outputs: [
        { name: 'label', datatype: 'INT64', shape: [-1], dimensions: ['N'] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3], dimensions: ['N', null] },
      ],
    });
  });

  it('finds external data beside the model', async () => {
    const { model, dataFiles } = models.externalDataModel([4, 8, 3]);
    const file = saved(model);
    for (const [name, bytes] of Object.entries(dataFiles)) writeFileSync(join(file, '..', name), bytes);
    const [external, inside] = await Promise.all([open(file), open(models.mlpModel([4, 8, 3]))]);
    const input = floats([2, 4]);
    expect(await external.run([[input]])).toEqual(await inside.run([[input]]));
  });

  it.each([
    ['is not there', () => join(folder, 'absent.onnx'), "File doesn't exist"],
    ['is not a model', () => saved(Buffer.from('hello')), 'Protobuf parsing failed'],
    ['is empty', () => saved(Buffer.from('')), 'does not have a graph'],
    [
      'lacks its external data',
      () => saved(models.externalDataModel([2, 2]).model),
      'does not exist: "weights.bin"',
    ],
    [
      'has an unknown element type',
      () => saved(models.bfloat16Model()),
      "input 'x' has the element type bfloat16",
    ],
    ['gives no tensor', () => saved(models.sequenceModel()), "output 'y' is a sequence"],
  ])('says why when the file %s, and not where it is', async (_, file, reason) => {
    const error: unknown = await open(file()).catch((thrown: unknown) => thrown);
    expect(error).toEqual(refusal('runtime_failure', reason));
    expect((error as Error).message).not.toContain(folder);
  });

  it('lists the execution providers there are when one is not', async () => {
    await expect(open(models.addModel(), { executionProviders: ['tpu', 'cpu'] })).rejects.toEqual(
      refusal('runtime_failure', "execution provider 'tpu' is not available: onnxruntime-node has none for"),
    );
  });

  it.each(['disabled', 'basic', 'extended', 'all'] as const)(
    'optimises the graph: %s',
    async (graphOptimization) => {
      const thread = await open(models.addModel(1), {
        graphOptimization,
        intraOpThreads: 2,
        interOpThreads: 2,
      });
      const outputs = await thread.run([[floats([1, 1], 2, 'a'), floats([1, 1], 3, 'b')]]);
      expect(outputs[0]?.data).toEqual(new Float32Array([5]));
    },
  );

  it('gives up after the time-out, and the thread goes when the load has ended', async () => {
    const opening = openAlone(optionsFor(saved(models.mlpModel([512, 512, 8]))), {
      niceness: 0,
      timeoutMs: 1,
    });
    await expect(opening).rejects.toEqual(refusal('model_unavailable', 'did not load within 1 ms'));
    await SessionThread.endAll();
  });

  it('is refused to whoever waits for it when the threads are closed', async () => {
    const opening = expect(open(models.addModel())).rejects.toEqual(
      refusal('model_unavailable', 'was closed'),
    );
    await SessionThread.endAll();
    await opening;
  });

  const onLinux = process.platform === 'linux' ? it : it.skip;
  onLinux('lowers the priority of its thread alone', async () => {
    await openAlone(optionsFor(saved(models.addModel())), { niceness: 7, timeoutMs: TIMEOUT_MS });
    const niceness = (id: string): number => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[17]);
    };
    expect(readdirSync('/proc/self/task').map(niceness)).toContain(7);
    expect(niceness(String(process.pid))).toBe(0);
  });
});
