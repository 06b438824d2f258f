import { graphModel } from './helpers/graph-models';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, divideModel, embeddingModel, reshapeModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

/** What no declaration shows, and only the run finds out. */
describe('a mistake of the client that only the runtime sees', () => {
  const folder = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(folder, 'sum', addModel());
    writeModel(folder, 'tokens', embeddingModel(4, 2));
    writeModel(folder, 'divide', divideModel());
    writeModel(folder, 'reshape', reshapeModel());
    const scaled = graphModel({
      steps: [['Mul', ['x', 'scale'], ['y']]],
      inputs: { x: ['N', 3], scale: [1] },
      outputs: { y: ['N', 3] },
      floats: { scale: [[1], 2] },
    });
    writeModel(folder, 'scaled', scaled);
    server = await startServer({ MODEL_DIR: folder });
  });

  it.each([
    [
      'sizes of one dimension that differ',
      'sum',
      {
        a: [
          [1, 2],
          [3, 4],
        ],
        b: [
          [1, 2],
          [3, 4],
          [5, 6],
        ],
      },
      'shape_mismatch',
      /Dimension N must have one size: it is 2 in input "a" and 3 in input "b"\./,
    ],
    [
      'a token that the model does not have',
      'tokens',
      { ids: [[1, 7]] },
      'out_of_range',
      /at 7, and takes -4 to 3/,
    ],
    [
      'a division by zero',
      'divide',
      { a: [6], b: [0] },
      'out_of_range',
      /cannot take: Integer division by zero/,
    ],
    [
      'a size that no shape is made of',
      'reshape',
      { x: [1, 2, 3, 4] },
      'shape_mismatch',
      /do not fit together \("x" \[4\]\): .*cannot be reshaped/,
    ],
  ])('is 400 and says what is wrong: %s', async (_, model, body, code, message) => {
    const answer = await server.post(`/api/inference/${model}`, body);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.message).toMatch(message);
  });

  it('shows beforehand which dimensions have one name', async () => {
    const { body } = await server.get<{ inputs: unknown }>('/api/inference/sum');
    expect(body.inputs).toMatchObject([{ dimensions: ['N', null] }, { dimensions: ['N', null] }]);
  });

  it('shows beforehand which inputs have a value that no request can change', async () => {
    const { body } = await server.get<Record<string, unknown>>('/api/inference/scaled');
    expect([body.inputs, body.defaulted_inputs]).toMatchObject([[{ name: 'x' }], ['scale']]);
    const { body: plain } = await server.get<object>('/api/inference/sum');
    expect(plain).not.toHaveProperty('defaulted_inputs');
    const { status, body: refused } = await server.post('/api/inference/scaled', {
      x: [[1, 2, 3]],
      scale: [4],
    });
    expect([status, refused.message]).toEqual([400, expect.stringContaining('scale')]);
  });

  it('is read as JSON when curl calls it a form, or told which header to send', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const native = await server.post('/api/inference/tokens', { ids: [[1, 2]] }, form);
    expect([native.status, native.body.result]).toEqual([
      200,
      {
        vectors: [
          [
            [2, 3],
            [4, 5],
          ],
        ],
      },
    ]);
    const v2 = { inputs: [{ name: 'ids', datatype: 'INT64', shape: [1, 1], data: [0] }] };
    expect((await server.post('/v2/models/tokens/infer', v2, form)).status).toBe(200);
    for (const fields of ['ids=1&more=2', 'text=one', 'features=1', 'n=1']) {
      const none = await server.post('/api/inference/tokens', fields, form);
      expect([fields, none.status, none.body.code]).toEqual([fields, 415, 'unsupported_media_type']);
      expect(none.body.message).toContain('content-type: application/json');
    }
  });

  it('is a name that is nearly one: the answer has the one that was meant', async () => {
    const { status, body } = await server.post('/api/inference/tokns', { ids: [[1]] });
    expect([status, body.message]).toEqual([404, 'There is no model "tokns". Did you mean "tokens"?']);
    const { body: v2 } = await server.post('/v2/models/TOKENS/infer', {});
    expect(v2.error).toContain('Did you mean "tokens"?');
  });
});
