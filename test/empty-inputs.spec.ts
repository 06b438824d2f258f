import { deconvolutionModel, nearestModel, recurrentModel } from './helpers/deadly-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { busyModel, identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

interface Answer {
  readonly outputs: readonly { readonly shape: number[]; readonly data: unknown[] }[];
  readonly error?: string;
}

describe('inputs without elements', () => {
  const models = temporaryFolder();
  let server: TestServer;
  let workers: readonly number[];
  beforeAll(async () => {
    writeModel(models, 'gru', recurrentModel('GRU'));
    writeModel(models, 'lstm', recurrentModel('LSTM'));
    writeModel(models, 'rnn', recurrentModel('RNN'), { yaml: 'allow_empty: true' });
    writeModel(models, 'nearest', nearestModel());
    writeModel(models, 'deconvolution', deconvolutionModel());
    writeModel(models, 'alone', identityModel('FP32'), { yaml: 'batching: false' });
    writeModel(models, 'text', identityModel('BYTES', ['N', 2]));
    writeModel(models, 'scalar', busyModel());
    // These are tried before a model serves, and would end the process as well.
    writeModel(models, 'sampled', recurrentModel('GRU'), { yaml: 'example: { x: [] }' });
    writeModel(models, 'warmed', recurrentModel('GRU'), { yaml: 'warmup: [{ x: [] }]' });
    writeModel(models, 'golden', recurrentModel('GRU'), {
      yaml: 'golden: [{ inputs: { x: [] }, outputs: { y: [] } }]',
    });
    server = await startServer({ MODEL_DIR: models, MODEL_NAMES: 'gru', WORKERS: '2' });
    await server.workersReady(2);
    workers = server.workers();
  });
  afterEach(() => expect(server.workers()).toEqual(workers));
  afterAll(() => server.stop());

  const infer = (model: string, shape: number[], datatype = 'FP32') =>
    server.post<Answer>(`/v2/models/${model}/infer`, { inputs: [{ name: 'x', shape, datatype, data: [] }] });
  const native = (model: string, x: unknown) =>
    server.post<{ result: unknown; code: string; message: string }>(`/api/inference/${model}`, { x });
  const runs = async (): Promise<string> => {
    const { body } = await server.get<string>('/metrics');
    return body
      .split('\n')
      .filter((line) => line.startsWith('nestor_executions_total'))
      .join('\n');
  };

  it.each(['gru', 'lstm', 'nearest'])('are answered without a run for no rows of %s', async (model) => {
    expect(await native(model, [])).toMatchObject({ status: 200, body: { result: { y: [] } } });
    const before = await runs();
    const shape = model === 'nearest' ? [0, 4] : [0, 5, 3];
    const { status, body } = await infer(model, shape);
    expect([status, body.outputs[0]]).toEqual([
      200,
      expect.objectContaining({ shape: [0, model === 'nearest' ? 2 : 4], data: [] }),
    ]);
    expect(await runs()).toBe(before);
  });

  it('give text as well', async () => {
    expect((await infer('text', [0, 2], 'BYTES')).body.outputs[0]).toMatchObject({ shape: [0, 2], data: [] });
  });

  it.each<[string, number[]]>([
    ['gru', [1, 0, 3]],
    ['lstm', [2, 0, 3]],
    ['deconvolution', [1, 2, 0]],
    ['alone', [0, 2]],
  ])('are refused where %s would have to run: %j', async (model, shape) => {
    const { status, body } = await infer(model, shape);
    expect([status, body.error]).toEqual([
      400,
      `Input "x": shape [${shape.join(', ')}] has no elements, and the model is run with nothing that has none (allow_empty in its model.yaml).`,
    ]);
  });

  it('are refused in both APIs with the code of a shape that does not fit', async () => {
    expect(await native('gru', [[]])).toMatchObject({ status: 400, body: { code: 'shape_mismatch' } });
  });

  it('are refused where the sizes of an output would be a guess', async () => {
    expect((await infer('deconvolution', [0, 2, 7])).body.error).toBe(
      'Input "x": of no rows of shape [0, 2, 7] it is not known which sizes output "y" has.',
    );
  });

  it('run where model.yaml says that the model takes them', async () => {
    expect((await infer('rnn', [0, 5, 3])).body.outputs[0]).toMatchObject({ shape: [0, 4] });
    expect((await infer('rnn', [2, 0, 3])).body.outputs[0]).toMatchObject({ shape: [2, 4] });
  });

  it.each(['sampled', 'warmed', 'golden'])('are not tried at load, as %s would have it', async (model) => {
    const { status } = await native(model, [[[1, 2, 3]]]);
    expect(status).toBe(model === 'sampled' ? 200 : 503);
  });
});
