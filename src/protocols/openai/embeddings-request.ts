import { DomainError } from '../../errors/domain-error';

/** `POST /v1/embeddings`, as OpenAI's clients send it. https://platform.openai.com/docs/api-reference/embeddings/create */
export interface EmbeddingsRequest {
  readonly model: string;
  readonly texts: readonly string[];
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
  const { model, input, encoding_format: format = 'float', dimensions, truncate } = given;
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
  return { model, texts: textsIn(input), format, dimensions: dimensions as number | undefined, truncate };
}

function textsIn(input: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (list.length === 0) throw invalid('"input" has no texts');
  return list.map((text, i) => {
    if (typeof text === 'string') return text;
    const place = Array.isArray(input) ? `"input" [${i}]` : '"input"';
    const isTokens = typeof text === 'number' || Array.isArray(text);
    throw invalid(
      `${place} must be a text${isTokens ? "; token ids are not taken, as they are another tokenizer's" : ''}`,
    );
  });
}

function objectIn(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
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
