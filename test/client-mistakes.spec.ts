import { temporaryFolder, writeModel } from './helpers/model-folder';
import { addModel, embeddingModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';

/** What no declaration shows, and only the run finds out. */
describe('a mistake of the client that only the runtime sees', () => {
  const folder = temporaryFolder();
  let server: TestServer;
  beforeAll(async () => {
    writeModel(folder, 'sum', addModel());
    writeModel(folder, 'tokens', embeddingModel(4, 2));
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
  ])('is 400 and says what is wrong: %s', async (_, model, body, code, message) => {
    const answer = await server.post(`/api/inference/${model}`, body);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(answer.body.message).toMatch(message);
  });

  it('shows beforehand which dimensions have one name', async () => {
    const { body } = await server.get<{ inputs: unknown }>('/api/inference/sum');
    expect(body.inputs).toMatchObject([{ dimensions: ['N', null] }, { dimensions: ['N', null] }]);
  });
});
