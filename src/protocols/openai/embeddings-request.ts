import { DomainError } from '../../errors/domain-error';

/** `POST /v1/embeddings`, as OpenAI's clients send it. https://platform.openai.com/docs/api-reference/embeddings/create */
export interface EmbeddingsRequest {
  readonly model: string;
  /** Texts, or the ids of the model's own tokens, with spaces between them. */
  readonly pieces: readonly string[];
  readonly media: 'text' | 'ids';
  readonly format: 'float' | 'base64';
  readonly dimensions: number | undefined;
  /** Not OpenAI's: may what is too long be cut? Undefined: as the model has it. */
  readonly truncate: boolean | undefined;
}

/** `user` is for OpenAI's own records. */
const KEYS = new Set(['model', 'input', 'encoding_format', 'dimensions', 'truncate', 'user']);

/** @throws invalid_json, invalid_request */
export function readEmbeddingsRequest(body: Buffer): EmbeddingsRequest {
  const given = objectIn(body);
  const { model, input } = given;
  // Clients that know all parameters send null for those that nobody set.
  const [format, dimensions, truncate] = [
    given.encoding_format ?? 'float',
    given.dimensions ?? undefined,
    given.truncate ?? undefined,
  ];
  const unknown = Object.keys(given).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw invalid(`there is no parameter ${JSON.stringify(unknown.slice(0, 100))}`);
  if (typeof model !== 'string' || model === '') throw invalid('"model" must be the name of a model');
  if (format !== 'float' && format !== 'base64')
    throw invalid('"encoding_format" must be "float" or "base64"');
  if (dimensions !== undefined && !(Number.isSafeInteger(dimensions) && (dimensions as number) > 0)) {
    throw invalid('"dimensions" must be a whole number above 0');
  }
  if (truncate !== undefined && typeof truncate !== 'boolean')
    throw invalid('"truncate" must be true or false');
  return { model, ...piecesIn(input), format, dimensions: dimensions as number | undefined, truncate };
}

/** Token ids of one input; longer ones are no text of any model. */
const MOST_IDS = 1_000_000;

/** A text, or its token ids; or a list of either. */
function piecesIn(input: unknown): Pick<EmbeddingsRequest, 'pieces' | 'media'> {
  if (isIds(input)) return { media: 'ids', pieces: [input.join(' ')] };
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (list.length === 0) throw invalid('"input" has no texts');
  if (typeof list[0] === 'number' && Array.isArray(input)) {
    const odd = Math.max(
      0,
      list.findIndex((item) => !isIds([item])),
    );
    throw invalid(`"input" [${odd}] must be a token id, which is a whole number from 0 on`);
  }
  const media = Array.isArray(list[0]) ? 'ids' : 'text';
  const pieces = list.map((item, i) => {
    if (media === 'text' && typeof item === 'string') return item;
    if (media === 'ids' && isIds(item)) return item.join(' ');
    const place = Array.isArray(input) ? `"input" [${i}]` : '"input"';
    throw invalid(`${place} must be ${media === 'text' ? 'a text' : 'a list of token ids'}`);
  });
  return { media, pieces };
}

function isIds(value: unknown): value is readonly number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_IDS) return false;
  return value.every((id) => Number.isSafeInteger(id) && (id as number) >= 0);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(body));
  } catch (error) {
    throw new DomainError('invalid_json', `The body is not JSON: ${(error as Error).message}.`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw invalid('the body must be an object');
}

function invalid(what: string): DomainError {
  return new DomainError('invalid_request', `Embeddings: ${what}.`);
}
