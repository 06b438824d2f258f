import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { startServer, type TestServer } from './helpers/server';
import { SENTENCE_FILES, smallTextModel, transformersFiles, writeTextFolder } from './helpers/text-models';

/** A grey pixel, 120. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mOoAAAAegB5HunP9gAAAABJRU5ErkJggg==';

interface Answer {
  readonly result: object;
}

describe('a file that a declaration names', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  const fileOf = (model: string, name: string): string => join(folder, model, '1', name);
  const processor = (factor: number): string =>
    JSON.stringify({
      size: { height: 1, width: 1 },
      do_rescale: true,
      rescale_factor: factor,
      do_normalize: false,
    });

  beforeAll(async () => {
    writeTextFolder(
      folder,
      'mood',
      smallTextModel('sequence'),
      transformersFiles('BertForSequenceClassification', ['bad', 'good']),
    );
    writeTextFolder(folder, 'embedder', smallTextModel('hidden'), SENTENCE_FILES);
    const labelled = `input: { image: { type: image, color: grey, layout: nhwc } }
output: { shade: { type: raw } }`;
    writeModel(folder, 'shade', identityModel('FP32', ['N', 1, 1, 1]), { version: '1', yaml: labelled });
    writeFileSync(fileOf('shade', 'preprocessor_config.json'), processor(1 / 255));
    writeFileSync(
      fileOf('shade', 'config.json'),
      JSON.stringify({ architectures: ['ViTForImageClassification'], id2label: { 0: 'x' } }),
    );
    const lines = [{ text: 'warm' }, { text: 'as toast', normalize: false }].map((line) =>
      JSON.stringify(line),
    );
    mkdirSync(join(folder, 'warmed'), { recursive: true });
    writeTextFolder(folder, 'warmed', smallTextModel('hidden'), SENTENCE_FILES);
    writeFileSync(join(folder, 'warmed', 'requests.ndjson'), lines.join('\n'));
    writeFileSync(join(folder, 'warmed', 'model.yaml'), 'cache: { warmup_file: requests.ndjson }\n');
    server = await startServer({ MODEL_DIR: folder, CACHE_ENABLED: 'true', CACHE_WARMUP: 'before-ready' });
  });

  async function ask(model: string, body: object): Promise<{ cache: string | null; result: object }> {
    const answer = await server.post<Answer>(`/api/inference/${model}`, body);
    expect(answer.status).toBe(200);
    return { cache: answer.headers.get('x-cache'), result: answer.body.result };
  }

  it.each<[string, string, object, () => void]>([
    [
      'labels in config.json',
      'mood',
      { text: 'fine' },
      () => {
        const { 'config.json': config } = transformersFiles('BertForSequenceClassification', [
          'dull',
          'bright',
        ]);
        writeFileSync(fileOf('mood', 'config.json'), JSON.stringify(config));
      },
    ],
    [
      'the tokenizer',
      'embedder',
      { text: 'FINE Words' },
      () => {
        const file = fileOf('embedder', 'tokenizer.json');
        const tokenizer = JSON.parse(readFileSync(file, 'utf8')) as object;
        writeFileSync(file, JSON.stringify({ ...tokenizer, normalizer: null }));
      },
    ],
    [
      "the processor's numbers",
      'shade',
      { image: { b64: PIXEL } },
      () => writeFileSync(fileOf('shade', 'preprocessor_config.json'), processor(2 / 255)),
    ],
  ])('is a part of what answers are kept under: %s', async (_what, model, body, change) => {
    const before = await ask(model, body);
    expect((await ask(model, body)).cache).toBe('HIT');
    change();
    expect((await server.post(`/v2/repository/models/${model}/load`, {})).status).toBe(200);
    const after = await ask(model, body);
    expect(after.cache).toBe('MISS');
    expect(after.result).not.toEqual(before.result);
  });

  it('may hold requests by declared inputs, whose answers are there before anybody asks', async () => {
    expect((await ask('warmed', { text: 'warm' })).cache).toBe('HIT');
    expect((await ask('warmed', { text: 'as toast', normalize: false })).cache).toBe('HIT');
    expect((await ask('warmed', { text: 'as toast' })).cache).toBe('MISS');
  });
});
