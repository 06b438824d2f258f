import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import OpenAI from 'openai';
import { Tokenizer } from 'tokenizers';
import { temporaryFolder } from './helpers/model-folder';
import { withPackages } from './helpers/python-environment';
import { describeWith } from './helpers/requirements-of-tests';
import { startServer, type TestServer } from './helpers/server';
import {
  SENTENCE_FILES,
  smallTextModel,
  TOKENIZERS,
  transformersFiles,
  WIDTH,
  writeTextFolder,
} from './helpers/text-models';

interface Native<Result> {
  readonly result: Result;
  readonly cached: boolean;
  readonly truncated?: boolean;
}

interface Fault {
  readonly code: string;
  readonly message: string;
}

const LONG = 'word '.repeat(200);

/** As one that takes the vector of the last position comes to its folder. */
const LAST_FILES = {
  ...SENTENCE_FILES,
  'tokenizer_config.json': { ...SENTENCE_FILES['tokenizer_config.json'], padding_side: 'left' },
  '1_Pooling/config.json': { pooling_mode_lasttoken: true },
};

describe('texts', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    writeTextFolder(folder, 'embedder', smallTextModel('hidden'), SENTENCE_FILES);
    writeTextFolder(
      folder,
      'mood',
      smallTextModel('sequence'),
      transformersFiles('BertForSequenceClassification', ['bad', 'good']),
    );
    writeTextFolder(
      folder,
      'ranker',
      smallTextModel('sequence', 1),
      transformersFiles('BertForSequenceClassification', ['LABEL_0']),
    );
    writeTextFolder(
      folder,
      'names',
      smallTextModel('tokens', 3),
      transformersFiles('BertForTokenClassification', ['O', 'B-PER', 'I-PER']),
    );
    writeTextFolder(folder, 'masked', smallTextModel('hidden'), transformersFiles('BertForMaskedLM', []));
    writeTextFolder(folder, 'downloaded', smallTextModel('hidden'), SENTENCE_FILES, { downloaded: true });
    writeTextFolder(folder, 'heedless', smallTextModel('hidden', 2, false), SENTENCE_FILES);
    writeTextFolder(folder, 'leftward', smallTextModel('hidden'), LAST_FILES);
    for (const side of ['left', 'right']) {
      writeTextFolder(folder, `${side}-ended`, smallTextModel('last'), {});
      const input = `{ type: text, max_length: 64, padding_side: ${side} }`;
      const yaml = `input: { text: ${input} }\noutput: { embedding: { type: embedding } }\n`;
      writeFileSync(join(folder, `${side}-ended`, 'model.yaml'), yaml);
    }
    server = await startServer({ MODEL_DIR: folder, CACHE_ENABLED: 'true' });
  });

  const call = <Result>(model: string, body: unknown) =>
    server.post<Native<Result>>(`/api/inference/${model}`, body);
  const refusal = async (model: string, body: unknown): Promise<string> => {
    const { status, body: fault } = await server.post<Fault>(`/api/inference/${model}`, body);
    return `${status} ${fault.code}: ${fault.message}`;
  };

  it('become vectors, the same alone and among others of any length', async () => {
    const texts = ['hello', 'the quick brown fox', LONG.slice(0, 200), 'a', 'the lazy dog jumps over'];
    const together = await call<{ embedding: number[][] }>('embedder', { text: texts });
    expect(together.status).toBe(200);
    for (const [i, text] of texts.entries()) {
      const alone = await call<{ embedding: number[] }>('embedder', { text });
      expect(alone.body.result.embedding).toHaveLength(WIDTH);
      together.body.result.embedding[i]!.forEach((x, d) =>
        expect(x).toBeCloseTo(alone.body.result.embedding[d]!, 5),
      );
      expect(Math.hypot(...alone.body.result.embedding)).toBeCloseTo(1, 5);
    }
  });

  it('find their model in a folder as it was downloaded', async () => {
    const { body } = await call('downloaded', { text: 'hello' });
    const { body: same } = await call('embedder', { text: 'hello' });
    expect(body.result).toEqual(same.result);
  });

  it('run together under load, padded, and get what they get alone', async () => {
    const texts = Array.from({ length: 60 }, (_, i) => 'fox '.repeat(1 + (i % 5)) + i);
    const embed = async (text: string): Promise<number[]> => {
      const { body } = await server.post<Native<{ embedding: number[] }>>(
        '/api/inference/embedder?use_cache=false',
        { text },
      );
      return body.result.embedding;
    };
    const crowd = await Promise.all(texts.map(embed));
    for (const [i, text] of texts.entries()) {
      const alone = await embed(text);
      crowd[i]!.forEach((x, d) => expect(x).toBeCloseTo(alone[d]!, 5));
    }
  });

  it('run apart where a model takes padding for text', async () => {
    const texts = ['a', 'the fox', 'the quick fox', 'a b c d'];
    const together = await call<{ embedding: number[][] }>('heedless', { text: texts });
    for (const [i, text] of texts.entries()) {
      const alone = await call<{ embedding: number[] }>('heedless', { text });
      together.body.result.embedding[i]!.forEach((x, d) =>
        expect(x).toBeCloseTo(alone.body.result.embedding[d]!, 5),
      );
    }
    await server.said('texts run with those of their own length alone');
  });

  it.each([
    ['leftward', 2],
    ['left-ended', 2],
    // What stands at its end counts there, so that nothing is put behind its texts.
    ['right-ended', 4],
  ])('are padded on the side that %s has it, and are what they are alone', async (model, runs) => {
    const texts = ['a', 'the fox', LONG.slice(0, 200), 'a a'];
    const alone: number[][] = [];
    for (const text of texts) {
      const { body } = await call<{ embedding: number[] }>(model, { text });
      alone.push(body.result.embedding);
    }
    const executions = async (): Promise<number> => {
      const { body } = await server.get<{ model_stats: { execution_count: number }[] }>(
        `/v2/models/${model}/stats`,
      );
      return body.model_stats[0]!.execution_count;
    };
    const before = await executions();
    const together = await call<{ embedding: number[][] }>(model, { text: texts });
    expect((await executions()) - before).toBe(runs);
    for (const [i, vector] of together.body.result.embedding.entries())
      vector.forEach((x, d) => expect(x).toBeCloseTo(alone[i]![d]!, 5));
  });

  it('tell on which side they are padded, and who says so', async () => {
    const { body } = await server.get<{ pipeline: unknown }>('/api/inference/leftward');
    expect(JSON.stringify(body.pipeline)).toContain(
      '"padding_side":{"value":"left","from":"tokenizer_config.json"}',
    );
  });

  it('are found in the cache as they were sent', async () => {
    const first = await call('embedder', { text: 'to be kept' });
    const second = await call('embedder', { text: 'to be kept' });
    expect([first.body.cached, second.body.cached]).toEqual([false, true]);
    expect(second.body.result).toEqual(first.body.result);
  });

  it('come as the body itself', async () => {
    const response = await fetch(`${server.url}/api/inference/mood`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: 'hello world',
    });
    const { result } = (await response.json()) as Native<{ labels: { label: string; score: number }[] }>;
    expect(result.labels.map(({ label }) => label).sort()).toEqual(['bad', 'good']);
    expect(result.labels[0]!.score + result.labels[1]!.score).toBeCloseTo(1, 5);
  });

  it('are held against others', async () => {
    const body = { text: { query: 'the fox', texts: ['a dog', 'the quick fox'] } };
    const { body: ranked } = await call<{ score: number[] }>('ranker', body);
    expect(ranked.result.score).toHaveLength(2);
    expect(await refusal('ranker', { text: 'alone' })).toContain(
      '400 invalid_request: Input "text": expected {"text"',
    );
  });

  it('have their parts named', async () => {
    const text = 'the 👍 quick fox';
    const { body } = await call<{ entities: { text: string; start: number; end: number }[] }>('names', {
      text,
    });
    for (const entity of body.result.entities) expect(text.slice(entity.start, entity.end)).toBe(entity.text);
    expect(JSON.stringify(body.result.entities)).not.toContain('"O"');
  });

  it('say when they were cut, and are refused where they must not be', async () => {
    expect((await call('embedder', { text: LONG })).body.truncated).toBe(true);
    expect((await call('embedder', { text: 'short' })).body.truncated).toBeUndefined();
    expect(await refusal('embedder', { text: ['a', LONG], truncate: false })).toMatch(
      /^413 text_too_long: Input "text" \[1\]: has 802 tokens, and the model takes 64; /,
    );
  });

  it('of a model that is not recognised are tensors as ever, and the reason is told', async () => {
    const { body } = await server.get<{ inputs: unknown[] }>('/api/inference/masked');
    expect(JSON.stringify(body)).toContain(
      'config.json names BertForMaskedLM, for which there is no output type',
    );
  });

  describeWith('python3', "OpenAI's client in Python", (python3) => {
    const clients = join(__dirname, 'clients');
    withPackages(python3, join(clients, 'requirements-openai.txt'), (python) => {
      it('embeds texts, lists models and meets its own errors', async () => {
        const { stdout } = await promisify(execFile)(python, [
          join(clients, 'openai_embeddings.py'),
          server.url,
        ]);
        expect(stdout).toBe('well\n');
      });
    });
  });

  describe("OpenAI's own client", () => {
    let client: OpenAI;
    beforeAll(() => (client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })));

    it('embeds texts, in base64 as it likes it and as numbers', async () => {
      const input = ['the quick fox', 'hello'];
      const encoded = await client.embeddings.create({ model: 'embedder', input });
      const plain = await client.embeddings.create({ model: 'embedder', input, encoding_format: 'float' });
      const { body } = await call<{ embedding: number[][] }>('embedder', { text: input });
      expect(plain.data.map(({ embedding }) => embedding)).toEqual(body.result.embedding);
      expect(encoded.data.map(({ embedding }) => Array.from(embedding, Math.fround))).toEqual(
        body.result.embedding.map((vector) => vector.map(Math.fround)),
      );
      expect(encoded.data.map(({ index, object }) => [index, object])).toEqual([
        [0, 'embedding'],
        [1, 'embedding'],
      ]);
      const unset = { encoding_format: null, dimensions: null, user: null, truncate: null };
      const asked = await server.post('/v1/embeddings', { model: 'embedder', input, ...unset });
      expect([asked.status, asked.body]).toEqual([200, JSON.parse(JSON.stringify(plain))]);
      expect(encoded.model).toBe('embedder');
      expect(encoded.usage.prompt_tokens).toBeGreaterThan(6);
      expect(plain.usage).toEqual(encoded.usage);
    });

    it("embeds the model's own token ids, one list or several, as the text that they are of", async () => {
      const tokenizer = Tokenizer.fromString(readFileSync(join(TOKENIZERS, 'wordpiece.json'), 'utf8'));
      tokenizer.disablePadding();
      const ids = await Promise.all(
        ['the quick fox', 'hello'].map(async (text) => (await tokenizer.encode(text)).getIds()),
      );
      const embed = async (input: string | string[] | number[] | number[][]): Promise<unknown> => {
        const { data, usage } = await client.embeddings.create({
          model: 'embedder',
          input,
          encoding_format: 'float',
        });
        return [data.map(({ embedding }) => embedding), usage];
      };
      expect(await embed(ids)).toEqual(await embed(['the quick fox', 'hello']));
      expect(await embed(ids[0]!)).toEqual(await embed('the quick fox'));
    });

    it('has fewer dimensions where it asks for them, one long', async () => {
      const { data } = await client.embeddings.create({
        model: 'embedder',
        input: 'fox',
        dimensions: 3,
        encoding_format: 'float',
      });
      expect(data[0]!.embedding).toHaveLength(3);
      expect(Math.hypot(...data[0]!.embedding)).toBeCloseTo(1, 5);
    });

    it('lists the models', async () => {
      const ids = (await client.models.list()).data.map(({ id }) => id);
      expect(ids.sort()).toEqual([
        'downloaded',
        'embedder',
        'heedless',
        'left-ended',
        'leftward',
        'masked',
        'mood',
        'names',
        'ranker',
        'right-ended',
      ]);
      expect(await client.models.retrieve('mood')).toMatchObject({ id: 'mood', object: 'model' });
    });

    it('meets its own errors', async () => {
      const create = (body: object): Promise<unknown> => client.embeddings.create(body as never);
      await expect(create({ model: 'nobody', input: 'x' })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
      await expect(create({ model: 'mood', input: 'x' })).rejects.toMatchObject({
        status: 400,
        code: 'invalid_request',
        type: 'invalid_request_error',
        message: expect.stringContaining('Model "mood" makes no embeddings of texts') as string,
      });
      for (const [body, message] of [
        [{ model: 'embedder', input: [] }, 'has no texts'],
        [{ model: 'embedder', input: [[1, 2], 'x'] }, '"input" [1] must be a list of token ids'],
        [{ model: 'embedder', input: ['x', [1]] }, '"input" [1] must be a text'],
        [{ model: 'embedder', input: [[1, -2]] }, '"input" [0] must be a list of token ids'],
        [{ model: 'embedder', input: [1, -2] }, '"input" [1] must be a token id'],
        [{ model: 'embedder', input: [1, 99_999] }, 'has the token id 99999, and the model'],
        [{ model: 'embedder', input: 'x', dimensions: 0 }, '"dimensions" must be'],
        [{ model: 'embedder', input: 'x', dimensions: 9 }, '"dimensions" must be at most 8'],
        [{ model: 'embedder', input: 'x', encoding_format: 'hex' }, '"encoding_format" must be'],
        [{ model: 'embedder', input: 'x', other: 1 }, 'there is no parameter "other"'],
        [{ input: 'x' }, '"model" must be'],
      ] as const) {
        await expect(create(body)).rejects.toMatchObject({
          status: 400,
          message: expect.stringContaining(message) as string,
        });
      }
    });
  });
});
