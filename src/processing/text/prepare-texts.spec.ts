import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeys } from '../../config/yaml/readers';
import { readYamlMapping } from '../../config/yaml/yaml-mapping';
import { DomainError } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { AssetFiles } from '../assets';
import { DECLARATION_KEYS, declarationOf } from '../declaration';
import type { InputType } from '../input-types';
import type { RequestOptions } from '../options';
import { bindPipeline } from '../pipeline';
import type { PreparedInput } from '../pool/preparer';
import { NOTHING_RECOGNISED } from '../recognition/recognised';
import { openTexts } from './prepare-texts';
import type { TextPlan } from './text-plan';

const FOLDER = join(__dirname, '../../../test/fixtures/tokenizers');
const BERT: readonly TensorSpec[] = ['input_ids', 'attention_mask', 'token_type_ids'].map((name) => ({
  name,
  datatype: 'INT64',
  shape: [-1, -1],
}));
const KEYS = 'tokenizer: wordpiece.json, max_length: 32';

interface Bound {
  readonly type: InputType;
  readonly plan: TextPlan;
}

async function bind(keys = KEYS, inputs = BERT): Promise<Bound> {
  const faults: string[] = [];
  const yaml = `input: { text: { type: text, ${keys} } }`;
  const config = readKeys(readYamlMapping(yaml, faults), DECLARATION_KEYS, faults);
  expect(faults).toEqual([]);
  const signature = { inputs, outputs: [{ name: 'y', datatype: 'FP32' as const, shape: [-1, 2] }] };
  const assets = new AssetFiles(FOLDER, [FOLDER]);
  const pipeline = await bindPipeline(declarationOf(config, NOTHING_RECOGNISED), signature, assets);
  const [input] = pipeline!.inputs;
  return { type: input!.type, plan: input!.plan as TextPlan };
}

async function prepare(
  { type, plan }: Bound,
  value: unknown,
  options: RequestOptions = {},
  mayPart = true,
): Promise<readonly PreparedInput[]> {
  const preparer = await openTexts(plan);
  return preparer.prepare(type.fromJson(plan.name, value, plan), options, {
    deadlineMs: Infinity,
    mayPart,
    mayPad: true,
  });
}

function valuesOf(tensor: Tensor | undefined): number[] {
  return Array.from(tensor!.data as BigInt64Array, Number);
}

async function faultOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'none';
}

describe('texts', () => {
  it.each([
    ['', []],
    [', pairs: true', []],
    [', pairs: true', { query: 'a', texts: [] }],
  ])('are refused where there are none%s: %j', async (keys, value) => {
    const bound = await bind(KEYS + keys);
    expect(await faultOf(() => prepare(bound, value))).toBe('invalid_request: Input "text": has no text.');
  });

  it("become the model's inputs", async () => {
    const [run, ...others] = await prepare(await bind(), 'hello world');
    expect(others).toEqual([]);
    const [ids, mask, types] = run!.tensors;
    const length = ids!.shape[1]!;
    expect(ids).toMatchObject({ name: 'input_ids', datatype: 'INT64', shape: [1, length] });
    expect(valuesOf(ids)[0]).toBe(2);
    expect(valuesOf(ids).at(-1)).toBe(3);
    expect(valuesOf(mask)).toEqual(Array<number>(length).fill(1));
    expect(valuesOf(types)).toEqual(Array<number>(length).fill(0));
    expect(run!.context).toMatchObject({
      type: 'text',
      name: 'text',
      lengths: [length],
      isTruncated: [false],
    });
  });

  it('run together where their lengths are near, the shorter ones padded', async () => {
    const long = 'one two three four five six seven eight nine ten eleven';
    const runs = await prepare(await bind('tokenizer: bytelevel.json, max_length: 100'), [
      'a',
      long,
      'a b',
      long,
    ]);
    expect(runs.map(({ rows }) => rows)).toEqual([
      [0, 2],
      [1, 3],
    ]);
    const [short] = runs;
    expect(short!.context).toMatchObject({ lengths: [3, 5] });
    // The file says nothing of padding, so it is the token that is called <pad>.
    expect(valuesOf(short!.tensors[0])[3]).toBe(1);
    expect(valuesOf(short!.tensors[1])).toEqual([1, 1, 1, 0, 0, 1, 1, 1, 1, 1]);
    expect(short!.padding).toEqual({ bucket: 8, fill: { input_ids: 1 }, side: 'right' });
    expect(runs[1]!.padding).toMatchObject({ bucket: expect.any(Number) as number });
  });

  it('are so many in a run that it has some thousands of tokens, padding included', async () => {
    const long = 'one two three four five six seven eight nine ten eleven';
    const texts = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 'a' : long));
    const tokensOf = (run: PreparedInput): number =>
      run.tensors[0]!.shape.reduce((one, other) => one * other);
    for (const inputs of [BERT, BERT.map((spec) => ({ ...spec, shape: [-1, 100] }))]) {
      const runs = await prepare(await bind('tokenizer: bytelevel.json, max_length: 100', inputs), texts);
      expect(Math.max(...runs.map(tokensOf))).toBeLessThanOrEqual(4096);
      expect(runs.length).toBeGreaterThan(2);
      expect(runs.length).toBeLessThan(12);
      expect(runs.flatMap(({ rows }) => rows).sort((a, b) => a! - b!)).toEqual([...texts.keys()]);
    }
  });

  it('are refused where one has no tokens, and where there is no room for any', async () => {
    const bare = await bind('tokenizer: whole_words.json, max_length: 32');
    await expect(prepare(bare, ['word', ''])).rejects.toThrow('Input "text" [1]: has no tokens.');
    expect(await prepare(bare, ['word', ''], {}, false)).toHaveLength(1);
    const narrow = await bind('tokenizer: wordpiece.json, max_length: 8');
    const added = await openTexts({ ...narrow.plan, maxLength: 2 }).catch(String);
    expect(added).toContain('its tokenizer adds 2 tokens to a row, and it takes 2 in all (max_length)');
  });

  // scripts/tokenizer_expectations.py
  const { left } = JSON.parse(readFileSync(join(FOLDER, 'expected.json'), 'utf8')) as {
    readonly left: Readonly<Record<string, { readonly single: string; readonly pair: string }>>;
  };
  it.each(Object.entries(left))(
    "are padded on the left as Python's are: %s",
    async (kind, { single, pair }) => {
      const corpus = JSON.parse(readFileSync(join(FOLDER, 'corpus.json'), 'utf8')) as readonly string[];
      const digest = async (pairs: boolean): Promise<string> => {
        const bound = await bind(
          `tokenizer: ${kind}.json, max_length: 33, padding_side: left, pairs: ${pairs}`,
        );
        const value = pairs ? corpus.map((text, i) => ({ text, pair: corpus.at(-1 - i) })) : corpus;
        const spans = { ...bound, plan: { ...bound.plan, wantsSpans: !pairs } };
        const [run, ...others] = await prepare(spans, value, {}, false);
        expect(others).toEqual([]);
        const { tensors, context } = run!;
        const [ids, mask, types] = tensors.map((tensor) => valuesOf(tensor));
        const width = tensors[0]!.shape[1]!;
        const lines = corpus.map((text, row) => {
          const [own, its, real] = [ids, types, mask].map((all) =>
            all!.slice(row * width, (row + 1) * width),
          );
          if (pairs || context?.type !== 'text') return JSON.stringify([own, its, real]);
          const points = (units: number): number => [...text.slice(0, units)].length;
          const offsets = context.tokens![row]!.spans.map((span) => span.map(points));
          const before = Array.from({ length: width - offsets.length }, () => [0, 0]);
          return JSON.stringify([own, its, real, [...before, ...offsets]]);
        });
        return createHash('sha256').update(lines.join('\n')).digest('hex');
      };
      expect(await digest(false)).toBe(single);
      expect(await digest(true)).toBe(pair);
    },
  );

  it.each([
    ['what their tokenizer says', '', 'left'],
    ['what is declared before that', ', padding_side: right', 'right'],
  ])('are padded by %s', async (_what, keys, side) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-padding-')));
    const file = JSON.parse(readFileSync(join(FOLDER, 'bytelevel.json'), 'utf8')) as object;
    const padding = {
      strategy: 'BatchLongest',
      direction: 'Left',
      pad_id: 2,
      pad_type_id: 0,
      pad_token: '</s>',
    };
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify({ ...file, padding }));
    const bound = await bind(`tokenizer: bytelevel.json, max_length: 32${keys}`);
    const plan = { ...bound.plan, tokenizerFile: join(folder, 'tokenizer.json') };
    const [run] = await prepare({ ...bound, plan }, ['a', 'a b']);
    expect(run!.padding).toEqual({ bucket: 8, fill: { input_ids: 2 }, side });
    expect(run!.context).toMatchObject({ lengths: [3, 5], paddingSide: side });
    expect(valuesOf(run!.tensors[1]).slice(0, 5)).toEqual(
      side === 'left' ? [0, 0, 1, 1, 1] : [1, 1, 1, 0, 0],
    );
  });

  it.each([
    ['left', [1, 1, 0, 1, 2, 0, 1, 2, 3, 4], [3, 3, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['right', [0, 1, 2, 1, 1, 0, 1, 2, 3, 4], [0, 0, 0, 3, 3, 0, 0, 0, 0, 0]],
  ])(
    'have their positions counted, and types beside them as the file says: %s',
    async (side, counted, kinds) => {
      const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestor-positions-')));
      const file = JSON.parse(readFileSync(join(FOLDER, 'bytelevel.json'), 'utf8')) as object;
      writeFileSync(
        join(folder, 'tokenizer.json'),
        JSON.stringify({
          ...file,
          padding: {
            strategy: 'BatchLongest',
            direction: 'Right',
            pad_id: 2,
            pad_type_id: 3,
            pad_token: '</s>',
          },
        }),
      );
      const spec: TensorSpec = { name: 'position_ids', datatype: 'INT64', shape: [-1, -1] };
      const bound = await bind(`tokenizer: bytelevel.json, max_length: 32, padding_side: ${side}`, [
        ...BERT,
        spec,
      ]);
      expect(bound.plan.covers).toContain('position_ids');
      const plan = { ...bound.plan, tokenizerFile: join(folder, 'tokenizer.json') };
      const [run] = await prepare({ ...bound, plan }, ['a', 'a b']);
      const [, , types, positions] = run!.tensors;
      expect(positions).toMatchObject({ name: 'position_ids', shape: [2, 5] });
      expect([valuesOf(positions), valuesOf(types)]).toEqual([counted, kinds]);
      expect(run!.padding!.fill).toEqual({ input_ids: 2, token_type_ids: 3, position_ids: 1 });
    },
  );

  it('run with those of their own length alone where the model has no mask', async () => {
    const runs = await prepare(await bind(KEYS, [BERT[0]!]), ['hello', 'hello world this is', 'hello']);
    expect(runs.map(({ rows, padding }) => [rows, padding])).toEqual([
      [[0, 2], undefined],
      [[1], undefined],
    ]);
  });

  it('stay together where other inputs go with them', async () => {
    const runs = await prepare(await bind(), ['hello', 'one two three four five six seven eight'], {}, false);
    expect(runs).toHaveLength(1);
    expect(runs[0]!.tensors[0]!.shape[0]).toBe(2);
  });

  it('are as long as the model takes where that is fixed', async () => {
    const fixed = BERT.map((spec) => ({ ...spec, datatype: 'INT32' as const, shape: [-1, 16] }));
    const bound = await bind('tokenizer: wordpiece.json', fixed);
    expect(bound.plan.maxLength).toBe(16);
    const [run] = await prepare(bound, ['hello', 'one two three four five six seven']);
    expect(run!.tensors.map(({ shape, datatype }) => [shape, datatype])).toEqual(
      Array(3).fill([[2, 16], 'INT32']),
    );
    expect(run!.padding).toBeUndefined();
  });

  it('come in pairs where the model wants two', async () => {
    const bound = await bind(`${KEYS}, pairs: true`);
    const [run] = await prepare(bound, { text: 'hello', pair: 'world' });
    const [again] = await prepare(bound, { query: 'hello', texts: ['world'] });
    expect(valuesOf(run!.tensors[2])).toContain(1);
    expect(again!.tensors).toEqual(run!.tensors);
    expect(await faultOf(() => prepare(bound, 'hello'))).toBe(
      'invalid_request: Input "text": expected {"text": "...", "pair": "..."}, got a string.',
    );
  });

  it('have a prompt before them where it is asked for', async () => {
    const bound = await bind(`${KEYS}, prompts: { query: "one two " }`);
    const [prompted] = await prepare(bound, 'hello', { prompt: 'query' });
    const [whole] = await prepare(bound, 'one two hello');
    expect(prompted!.tensors).toEqual(whole!.tensors);
    expect(await faultOf(() => prepare(bound, 'hello', { prompt: 'other' }))).toBe(
      'invalid_request: Input "text": has no prompt "other"; its prompts are "query".',
    );
  });

  it('are cut, and refused where a request wants none cut', async () => {
    const bound = await bind();
    const long = 'word '.repeat(100);
    const [run] = await prepare(bound, long);
    expect(run!.tensors[0]!.shape).toEqual([1, 32]);
    expect(run!.context).toMatchObject({ isTruncated: [true] });
    expect(await faultOf(() => prepare(bound, ['a', long], { truncate: false }))).toMatch(
      /^text_too_long: Input "text" \[1\]: has \d+ tokens, and the model takes 32/,
    );
  });

  it.each([
    [[7], 'Input "text" [0]: expected a text, got a number.'],
    [{ a: 1 }, 'Input "text": expected a text, got an object.'],
    [['a', null], 'Input "text" [1]: expected a text, got null.'],
    [['a', 'b\udc00'], 'Input "text" [1]: has half a surrogate pair at character 1, which is no text.'],
  ])('are refused as %j', async (value, fault) => {
    expect(await faultOf(async () => prepare(await bind(), value))).toBe(`invalid_request: ${fault}`);
  });

  it.each([
    ['tokenizer: none.json, max_length: 9', 'none.json, which its declaration names, is not there'],
    ['tokenizer: wordpiece.json', 'max_length: must say how many tokens the model takes'],
    [`${KEYS}, mask: other`, 'mask: the model has no input other'],
    [`${KEYS}, default_prompt: query`, 'default_prompt: there is no prompt query'],
  ])('are held against the session: %s', async (keys, fault) => {
    expect(await faultOf(() => bind(keys))).toContain(fault);
  });
});
