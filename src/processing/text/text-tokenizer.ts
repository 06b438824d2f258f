import { type Encoding, Tokenizer } from 'tokenizers';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { firstHead, headOf, loneSurrogate } from './text-head';
import { addedTokens, formOf, type RowForm, textsOf } from './row-form';
import { inUtf16, type Span } from './utf16-offsets';

/** A text, or two that the model reads together. */
export interface TextRow {
  readonly text: string;
  readonly pair: string | undefined;
}

/** A row of token ids, as the model reads it. */
export interface TokenRow {
  readonly ids: readonly number[];
  /** 0 for the first text, 1 for the second. */
  readonly typeIds: readonly number[];
  /** Where each token lies in its text; of no length for those that stand for none. Undefined unless asked for. */
  readonly spans: readonly Span[] | undefined;
  /** Was something cut off to keep within the length? */
  readonly isTruncated: boolean;
}

export interface EncodeOptions {
  /** Tokens of a row, those that the model adds included. */
  readonly maxLength: number;
  /** Cut what is too long, or refuse it? */
  readonly truncate: boolean;
  readonly wantsSpans: boolean;
}

/** The first tokens of a text; all of it when `isWhole`. */
interface Head {
  readonly encoding: Encoding;
  readonly text: string;
  readonly isWhole: boolean;
}

/** A cut may change the tokens right before it, and more so in scripts without spaces: so many are not kept. */
const MARGIN = 16;
/** UTF-16 units of a text that are tokenised at most: what has no tokens to keep before that is no text. */
const MOST_UNITS = 1024 * 1024;
/** Of a token that stands for no text. */
const NOWHERE: Span = [0, 0];
const BARE = { addSpecialTokens: false } as const;

/**
 * A `tokenizer.json`, giving the ids that Python's tokenizers gives. The only importer of the library.
 *
 * Its own padding and truncation are not used: what the file says of padding would make every text as long as the
 * longest, its binding cuts pairs otherwise than Python does, and neither tells whether something was cut.
 */
export class TextTokenizer {
  private constructor(
    private readonly native: Tokenizer,
    private readonly ofOne: RowForm,
    private readonly ofTwo: RowForm,
    /** Is the end of a text kept where it is cut? */
    private readonly keepsEnd: boolean,
  ) {}

  /**
   * @param json the text of a `tokenizer.json`
   * @throws model_unavailable
   */
  static async open(json: string): Promise<TextTokenizer> {
    try {
      const native = Tokenizer.fromString(json);
      native.disablePadding();
      native.disableTruncation();
      const letter = await knownLetter(native);
      const ofOne = await formOfTexts(native, letter, 1);
      const ofTwo = await formOfTexts(native, letter, 2);
      return new TextTokenizer(native, ofOne, ofTwo, keepsEndIn(json));
    } catch (error) {
      throw new DomainError('model_unavailable', `its tokenizer cannot be read: ${reasonOf(error)}`);
    }
  }

  /** How many tokens it adds to a text, or to a pair of them. */
  added(isPair: boolean): number {
    return addedTokens(isPair ? this.ofTwo : this.ofOne);
  }

  idOf(token: string): number | undefined {
    return this.native.tokenToId(token) ?? undefined;
  }

  /**
   * Rows of token ids that a client has made: they are taken as they are, and held to what the model has.
   * @param rows ids with spaces between them
   * @throws text_too_long, as for texts; out_of_range for an id that the vocabulary does not have
   */
  take(rows: readonly string[], options: EncodeOptions, placeOf: (row: number) => string): TokenRow[] {
    const known = this.native.getVocabSize(true);
    const { maxLength, truncate } = options;
    return rows.map((row, i) => {
      const all = row.split(' ').map(Number);
      const strange = all.find((id) => id >= known);
      if (strange !== undefined) {
        throw new DomainError(
          'out_of_range',
          `${placeOf(i)}: has the token id ${strange}, and the model's vocabulary ends at ${known - 1}.`,
        );
      }
      const isTruncated = all.length > maxLength;
      if (isTruncated && !truncate) {
        throw new DomainError(
          'text_too_long',
          `${placeOf(i)}: has ${all.length} tokens, and the model takes ${maxLength}; with "truncate": true it is cut.`,
        );
      }
      const ids = all.slice(0, maxLength);
      return { ids, typeIds: ids.map(() => 0), spans: undefined, isTruncated };
    });
  }

  /**
   * @param placeOf names a row in messages
   * @throws text_too_long where a text is and must not be cut; invalid_request for one that is no Unicode
   */
  async encode(
    rows: readonly TextRow[],
    options: EncodeOptions,
    placeOf: (row: number) => string,
  ): Promise<TokenRow[]> {
    const encoded: TokenRow[] = [];
    for (const [i, { text, pair }] of rows.entries()) {
      const place = placeOf(i);
      const form = pair === undefined ? this.ofOne : this.ofTwo;
      const kept = options.maxLength - addedTokens(form);
      const first = await this.head(text, kept, place);
      const second = pair === undefined ? undefined : await this.head(pair, kept, place);
      encoded.push(join(form, first, second, { ...options, keepsEnd: this.keepsEnd }, place));
    }
    return encoded;
  }

  /**
   * The tokens of as much of a text as it takes to have those that are kept: its beginning is enough for nearly all, and
   * a megabyte of text takes seconds.
   */
  private async head(text: string, kept: number, place: string): Promise<Head> {
    const index = loneSurrogate(text);
    if (index !== undefined) {
      throw new DomainError(
        'invalid_request',
        `${place}: has half a surrogate pair at character ${index}, which is no text.`,
      );
    }
    for (let length = this.keepsEnd ? MOST_UNITS : firstHead(kept + MARGIN); ; length *= 4) {
      const part = headOf(text, Math.min(length, MOST_UNITS));
      const isWhole = part.length === text.length;
      const encoding = await this.native.encode(part, null, BARE);
      if (isWhole || (!this.keepsEnd && encoding.getLength() >= kept + MARGIN))
        return { encoding, text, isWhole };
      if (length >= MOST_UNITS) {
        throw new DomainError(
          'text_too_long',
          this.keepsEnd
            ? `${place}: has more than ${MOST_UNITS} characters, and the tokenizer keeps the end of a text.`
            : `${place}: has no ${kept} tokens in its first ${MOST_UNITS} characters.`,
        );
      }
    }
  }
}

/** What the file says of truncation but for the side is of whoever trained the model: a length, and whose it is. */
function keepsEndIn(json: string): boolean {
  const { truncation } = JSON.parse(json) as {
    readonly truncation?: { readonly direction?: unknown } | null;
  };
  return truncation?.direction === 'Left';
}

/** A text that has tokens: not every vocabulary has each letter. */
async function knownLetter(native: Tokenizer): Promise<string> {
  for (const letter of ['a', 'A', '1']) {
    const encoding = await native.encode(letter, null, BARE).catch(() => undefined);
    if (encoding !== undefined && encoding.getLength() > 0) return letter;
  }
  throw new Error('it makes no token of a letter');
}

/** How rows of so many texts are put together, as short ones show. */
async function formOfTexts(native: Tokenizer, letter: string, texts: 1 | 2): Promise<RowForm> {
  const rowOf = (text: string): Promise<Encoding> => native.encode(text, texts === 1 ? null : text);
  const form = formOf(await rowOf(letter));
  // Where a template has a text twice, the library forgets that one of them is no token of the template itself.
  const longer = `${letter} ${letter}`;
  const tokens = (await native.encode(longer, null, BARE)).getLength();
  const isWhole = (await rowOf(longer)).getLength() === addedTokens(form) + texts * tokens;
  if (textsOf(form) === texts && isWhole) return form;
  throw new Error('its template repeats a text, or has none');
}

/** @throws text_too_long where something had to be cut and must not be */
function join(
  form: RowForm,
  first: Head,
  second: Head | undefined,
  { maxLength, truncate, wantsSpans, keepsEnd }: EncodeOptions & { readonly keepsEnd: boolean },
  place: string,
): TokenRow {
  const added = addedTokens(form);
  const lengths = [first.encoding.getLength(), second?.encoding.getLength() ?? 0] as const;
  const kept = longestFirst(lengths[0], lengths[1], maxLength - added);
  const isTruncated = kept[0] < lengths[0] || kept[1] < lengths[1];
  if (isTruncated && !truncate) {
    const isWhole = first.isWhole && second?.isWhole !== false;
    const tokens = lengths[0] + lengths[1] + added;
    throw new DomainError(
      'text_too_long',
      `${place}: has ${isWhole ? '' : 'more than '}${tokens} tokens, and the model takes ${maxLength}; with "truncate": true it is cut.`,
    );
  }
  const ids: number[] = [];
  const typeIds: number[] = [];
  const spans: Span[] = [];
  for (const part of form) {
    if ('id' in part) {
      ids.push(part.id);
      typeIds.push(part.type);
      spans.push(NOWHERE);
      continue;
    }
    const head = part.text === 0 ? first : second;
    if (head === undefined) continue;
    const count = kept[part.text];
    const start = keepsEnd ? lengths[part.text] - count : 0;
    const own = head.encoding.getIds();
    const offsets = wantsSpans ? head.encoding.getOffsets().slice(start, start + count) : undefined;
    const places = offsets && inUtf16(offsets, head.text);
    for (let i = 0; i < count; i++) {
      ids.push(own[start + i]!);
      typeIds.push(part.type);
      if (places !== undefined) spans.push(places[i]!);
    }
  }
  return { ids, typeIds, spans: wantsSpans ? spans : undefined, isTruncated };
}

/**
 * How many tokens of each text of a pair are kept when both may have `most` together: the longer one gives first, and
 * an odd token is the longer one's, or the second's. The rule is that of the tokenizers library from 0.20 on
 * (`LongestFirst`); its Node binding gives the odd token to the shorter text.
 * https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/utils/truncation.rs
 */
function longestFirst(first: number, second: number, most: number): readonly [first: number, second: number] {
  if (first + second <= most) return [first, second];
  const shorter = Math.min(first, second);
  const half = Math.floor(most / 2);
  const [few, many] = shorter > half ? [half, most - half] : [shorter, most - shorter];
  return first > second ? [many, few] : [few, many];
}
