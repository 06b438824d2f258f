import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DomainError } from '../../errors/domain-error';
import { type EncodeOptions, type TextRow, TextTokenizer, type TokenRow } from './text-tokenizer';

// Strings of many scripts, and what Python's tokenizers makes of them: scripts/tokenizer_expectations.py.
const FOLDER = join(__dirname, '../../../test/fixtures/tokenizers');
const fixture = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const CORPUS = JSON.parse(fixture('corpus.json')) as readonly string[];
const { kinds } = JSON.parse(fixture('expected.json')) as {
  readonly kinds: Readonly<Record<string, Readonly<Record<string, string>>>>;
};
const CASES = Object.entries(kinds).flatMap(([kind, cases]) =>
  Object.entries(cases).map(([name, hash]) => [kind, name, hash] as const),
);

const SINGLE: readonly TextRow[] = CORPUS.map((text) => ({ text, pair: undefined }));
const PAIRS: readonly TextRow[] = CORPUS.map((text, i) => ({ text, pair: CORPUS.at(-1 - i)! }));

function encode(
  tokenizer: TextTokenizer,
  rows: readonly TextRow[],
  options: Partial<EncodeOptions> = {},
): Promise<TokenRow[]> {
  const all = { maxLength: 100_000, truncate: true, wantsSpans: false, ...options };
  return tokenizer.encode(rows, all, (row) => `Input "text" [${row}]`);
}

async function faultOf(work: Promise<unknown>): Promise<string> {
  const error = (await work.catch((thrown: unknown) => thrown)) as DomainError;
  return `${error.code}: ${error.message}`;
}

/** SHA-256 over a line for each row; offsets, of single texts, in code points as Python counts them. */
function digest(encoded: readonly TokenRow[], rows: readonly TextRow[]): string {
  const lines = encoded.map(({ ids, typeIds, spans }, row) => {
    const points = (units: number): number => [...rows[row]!.text.slice(0, units)].length;
    return JSON.stringify(
      spans === undefined ? [ids, typeIds] : [ids, typeIds, spans.map((span) => span.map(points))],
    );
  });
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

const tokenizers = new Map<string, Promise<TextTokenizer>>();

function open(kind: string): Promise<TextTokenizer> {
  const known = tokenizers.get(kind) ?? TextTokenizer.open(fixture(`${kind}.json`));
  tokenizers.set(kind, known);
  return known;
}

describe('a tokenizer', () => {
  it.each(CASES)("gives Python's ids, and offsets where asked for: %s, %s", async (kind, name, hash) => {
    const [form, length = '100000'] = name.split(' ');
    const rows = form === 'pair' ? PAIRS : SINGLE;
    const options = { maxLength: Number(length), wantsSpans: form === 'single' };
    expect(digest(await encode(await open(kind), rows, options), rows)).toBe(hash);
  });

  it('pads nothing, whatever its file says', async () => {
    const [row] = await encode(await open('wordpiece'), [{ text: 'hello', pair: undefined }]);
    expect(row?.ids.length).toBeLessThan(8);
  });

  it('says what was cut, and refuses it where it must not be', async () => {
    const tokenizer = await open('wordpiece');
    const rows = [SINGLE[0]!, { text: 'one two '.repeat(20), pair: undefined }];
    const encoded = await encode(tokenizer, rows, { maxLength: 16 });
    expect(encoded.map(({ isTruncated }) => isTruncated)).toEqual([false, true]);
    expect(encoded[1]?.ids).toHaveLength(16);
    expect(await faultOf(encode(tokenizer, rows, { maxLength: 16, truncate: false }))).toMatch(
      /^text_too_long: Input "text" \[1\]: has \d+ tokens, and the model takes 16; with "truncate": true it is cut\.$/,
    );
  });

  it('keeps the end of a text where its file says so, as Python does', async () => {
    const file = JSON.parse(fixture('wordpiece.json')) as { truncation: object };
    const left = { ...file, truncation: { ...file.truncation, direction: 'Left' } };
    const [ending, starting] = await Promise.all(
      [JSON.stringify(left), JSON.stringify(file)].map((json) => TextTokenizer.open(json)),
    );
    const words = 'one two three four five six seven eight nine ten';
    const rows = [
      { text: words, pair: undefined },
      { text: words, pair: words },
    ];
    const whole = await encode(starting!, rows);
    const cut = await encode(ending!, rows, { maxLength: 12, wantsSpans: true });
    const { ids: all } = whole[0]!;
    expect(cut[0]!.ids).toEqual([all[0], ...all.slice(-11)]);
    expect(cut[0]!.spans!.at(-2)).toEqual([words.length - 1, words.length]);
    expect(cut[1]!.ids).toEqual([all[0], ...all.slice(-5), ...all.slice(-6)]);
    const long = { text: 'a '.repeat(600_000), pair: undefined };
    expect(await faultOf(encode(ending!, [long], { maxLength: 12 }))).toMatch(
      /^text_too_long: .* keeps the end/,
    );
  });

  it('takes the time of what is kept for a text of a megabyte', async () => {
    const tokenizer = await open('wordpiece');
    const long = 'word '.repeat(200_000);
    const [row] = await encode(tokenizer, [{ text: long, pair: undefined }], { maxLength: 16 });
    const [short] = await encode(tokenizer, [{ text: long.slice(0, 500), pair: undefined }], {
      maxLength: 16,
    });
    expect(row).toEqual(short);
    expect(row?.isTruncated).toBe(true);
  });

  it('reads on where the beginning of a text has no tokens', async () => {
    const tokenizer = await open('wordpiece');
    const text = `${' '.repeat(100_000)}the quick fox`;
    const [row] = await encode(tokenizer, [{ text, pair: undefined }], { maxLength: 16 });
    const [bare] = await encode(tokenizer, [{ text: text.trim(), pair: undefined }], { maxLength: 16 });
    expect(row).toEqual(bare);
    const blank = { text: `${' '.repeat(1_100_000)}x`, pair: undefined };
    expect(await faultOf(encode(tokenizer, [blank], { maxLength: 16 }))).toMatch(
      /^text_too_long: .* 1048576 /,
    );
  });

  it('refuses half a surrogate pair by its place', async () => {
    const rows = [SINGLE[0]!, { text: 'ab\ud800c', pair: undefined }];
    expect(await faultOf(encode(await open('unigram'), rows))).toBe(
      'invalid_request: Input "text" [1]: has half a surrogate pair at character 2, which is no text.',
    );
  });

  it('needs no letter that its vocabulary does not have, and no text twice', async () => {
    const file = JSON.parse(fixture('whole_words.json')) as object;
    const of = (vocab: object, post_processor: unknown = null): Promise<TextTokenizer> => {
      const model = { type: 'WordLevel', vocab, unk_token: '?' };
      const bare = { normalizer: null, pre_tokenizer: { type: 'Whitespace' }, added_tokens: [] };
      return TextTokenizer.open(JSON.stringify({ ...file, ...bare, model, post_processor }));
    };
    const [row] = await encode(await of({ A: 0, CGT: 1 }), [{ text: 'CGT A', pair: undefined }]);
    expect(row?.ids).toEqual([1, 0]);
    expect(await faultOf(of({ '+': 0 }))).toContain('it makes no token of a letter');
    const sequence = (id: string): object => ({ Sequence: { id, type_id: 0 } });
    const special = { SpecialToken: { id: '-', type_id: 0 } };
    const twice = {
      type: 'TemplateProcessing',
      single: [sequence('A'), special, sequence('A')],
      pair: [sequence('A'), sequence('B')],
      special_tokens: { '-': { id: '-', ids: [0], tokens: ['-'] } },
    };
    expect(await faultOf(of({ '-': 0, a: 1 }, twice))).toContain('its template repeats a text, or has none');
  });

  it('is refused where its file is none', async () => {
    expect(await faultOf(TextTokenizer.open('{}'))).toMatch(
      /^model_unavailable: its tokenizer cannot be read: /,
    );
  });
});
