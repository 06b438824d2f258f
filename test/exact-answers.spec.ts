import { onnx } from 'onnx-proto';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { classifierModel, encode, identityModel, node, value } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

const { DataType } = onnx.TensorProto;
/** `y` FP32 of the shape that `sizes` INT64 says: without elements, where one of them is 0. */
const ofSize = (rank: number | string, ...dimensions: string[]): Uint8Array =>
  encode({
    node: [node('ConstantOfShape', ['sizes'], ['y'])],
    input: [value('sizes', DataType.INT64, [rank])],
    output: [value('y', DataType.FLOAT, dimensions)],
  });

interface Answer {
  readonly code: string;
  readonly message: string;
  readonly error: string;
  readonly outputs: readonly {
    readonly datatype: string;
    readonly shape: number[];
    readonly data: unknown[];
  }[];
}

describe('what a request asks for', () => {
  const models = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(models, 'ids', identityModel('INT64', ['N']));
    writeModel(models, 'text', identityModel('BYTES', ['N']));
    writeModel(models, 'classes', classifierModel());
    writeModel(models, 'size', ofSize(2, 'A', 'B'));
    writeModel(models, 'deep', ofSize('K'));
    writeModel(models, 'open', identityModel('FP32', ['N', 'M']), { yaml: 'allow_empty: true' });
    writeModel(models, 'wide', identityModel('FP32', ['N', 'A', 'B', 'C', 'D', 'E']));
    server = await startServer({ MODEL_DIR: models, WORKERS: '1', HEARTBEAT_TIMEOUT_MS: '5000' });
    await server.ready();
  });
  afterAll(() => server.stop());

  const v2 = (model: string, input: object, more: object = {}) =>
    server.post<Answer>(`/v2/models/${model}/infer`, { inputs: [input], ...more });
  const x = (datatype: string, shape: number[], data: unknown[]) => ({ name: 'x', datatype, shape, data });
  async function raw(path: string, body: string): Promise<string> {
    const headers = { 'content-type': 'application/json' };
    return (await fetch(server.url + path, { method: 'POST', headers, body })).text();
  }

  it('is exact for 64-bit integers in digits, in both APIs', async () => {
    const digits = '[9007199254740993,-9223372036854775808,9223372036854775807]';
    const answered = await raw(
      '/v2/models/ids/infer',
      `{"inputs":[{"name":"x","datatype":"INT64","shape":[3],"data":${digits}}]}`,
    );
    expect(answered).toContain(`"data":${digits}`);
    expect(await raw('/api/inference/ids', `{"x":${digits}}`)).toContain(
      '["9007199254740993","-9223372036854775808","9223372036854775807"]',
    );
  });

  it('is refused where a text is no text', async () => {
    for (const half of ['"\\ud83d"', '"a\\udc00b"']) {
      const body = `{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":[${half}]}]}`;
      expect(await raw('/v2/models/text/infer', body)).toMatch(/half of a surrogate pair/);
      expect(await raw('/api/inference/text', `{"x":[${half}]}`)).toMatch(/invalid_json/);
    }
  });

  const LOGITS = x('FP32', [2, 3], [1, 3, 2, 0, 0, 5]);
  const classesOf = (name: string, parameters: object) =>
    v2('classes', LOGITS, { outputs: [{ name, parameters }] });

  it('is the best classes of an output, best first', async () => {
    const { body } = await classesOf('probabilities', { classification: 2 });
    const [output] = body.outputs;
    expect(output).toMatchObject({ datatype: 'BYTES', shape: [2, 2] });
    expect(output!.data.map((text) => String(text).split(':')[1])).toEqual(['1', '2', '2', '0']);
    expect(Number(String(output!.data[0]).split(':')[0])).toBeCloseTo(0.665, 3);
    const labels = await classesOf('label', { classification: 1 });
    expect(labels.body.outputs[0]).toMatchObject({ shape: [2, 1], data: ['1:0', '2:0'] });
  });

  it.each([
    [
      { shared_memory_region: 'r', shared_memory_byte_size: 64 },
      'Parameter "shared_memory_region": shared memory is not implemented.',
    ],
    [{ classification: -1 }, /classification/],
  ])('is refused by name where an output cannot be had so: %j', async (parameters, message) => {
    const { status, body } = await classesOf('probabilities', parameters);
    expect(status).toBe(400);
    expect(body.error).toMatch(message);
  });

  it('is refused by name for shared memory of an input, and for sequences', async () => {
    const parameters = { shared_memory_region: 'r', shared_memory_byte_size: 24 };
    const shared = await v2('classes', { ...LOGITS, data: undefined, parameters });
    expect([shared.status, shared.body.error]).toEqual([
      400,
      'Input "x": parameters: Parameter "shared_memory_region": shared memory is not implemented.',
    ]);
    const sequence = await v2('classes', LOGITS, { parameters: { sequence_id: 7, sequence_start: true } });
    expect([sequence.status, sequence.body.error]).toEqual([
      400,
      'Parameter "sequence_id": sequences are not implemented.',
    ]);
    expect(
      (await v2('classes', LOGITS, { parameters: { sequence_id: 0, sequence_end: false } })).status,
    ).toBe(200);
  });

  it('is bounded where a dimension of 0 hides a huge one', async () => {
    const hidden = await v2('open', x('FP32', [60_000_000, 0], []));
    expect([hidden.status, hidden.body.error]).toEqual([
      400,
      'Input "x": shape [60000000, 0] has no elements, but too many places for them.',
    ]);
    const sizes = { sizes: [2_000_000_000, 0] };
    const printed = await server.post<Answer>('/api/inference/size', sizes);
    expect([printed.status, printed.body.code]).toEqual([400, 'answer_too_large']);
    const deep = await server.post<Answer>('/api/inference/deep', { sizes: Array(200_000).fill(1) });
    expect([deep.status, deep.body.code]).toEqual([400, 'answer_too_large']);
    const head = await v2('size', { name: 'sizes', datatype: 'INT64', shape: [2], data: sizes.sizes });
    expect(head.body.outputs[0]).toMatchObject({ shape: [2_000_000_000, 0], data: [] });
  });

  it('is bounded where a text list is long, and holds nobody else up', async () => {
    const list = `[${'"",'.repeat(16_000_000)}""]`;
    let probes = 0;
    let going = true;
    const probing = (async () => {
      while (going) {
        await server.get('/api/health/live');
        probes++;
      }
    })();
    const native = await server.post<Answer>('/api/inference/text', `{"x":${list}}`);
    going = false;
    await probing;
    expect([native.status, native.body.code]).toEqual([413, 'input_too_large']);
    expect(native.body.message).toBe(
      'Input "x"[65536]: more than 65536 texts (max_text_elements in the model.yaml of the model).',
    );
    expect(probes).toBeGreaterThan(10);
    const binary = await v2('text', {
      ...x('BYTES', [16_000_000], []),
      data: undefined,
      parameters: { binary_data_size: 4 },
    });
    expect(binary.status).toBe(413);
    expect(server.workers()).toHaveLength(1);
  });

  it('is served by a model of six open dimensions', async () => {
    const { status, body } = await v2('wide', x('FP32', [1, 1, 1, 1, 1, 2], [1, 2]));
    expect([status, body.outputs[0]!.data]).toEqual([200, [1, 2]]);
  });
});
