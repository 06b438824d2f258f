import { DomainError } from '../errors/domain-error';
import { bool, integer, type KeyTable, number, text } from '../config/yaml/readers';

/** What a request may ask for besides its inputs; each input and output type lists which of them it takes. */
export interface RequestOptions {
  /** How many labels, the likeliest first. */
  readonly top_k?: number;
  /** The least score of what is told. */
  readonly score?: number;
  /** The most that two boxes of one label may overlap: their intersection over their union. */
  readonly iou?: number;
  /** The most boxes of one picture. */
  readonly max?: number;
  /** Cut what is too long, or refuse it? */
  readonly truncate?: boolean;
  /** Make vectors one long? */
  readonly normalize?: boolean;
  /** Keep so many elements of a vector. */
  readonly dimensions?: number;
  /** The name of a text that stands before each input. */
  readonly prompt?: string;
}

export type OptionName = keyof RequestOptions;

/**
 * How each option is read, the same wherever it comes from.
 * @internal
 */
export const OPTIONS: KeyTable<Required<{ [Name in OptionName]: RequestOptions[Name] | undefined }>> = {
  top_k: { key: 'top_k', read: integer(1, 100_000), fallback: undefined },
  score: { key: 'score', read: number(0, 1, 'inclusive'), fallback: undefined },
  iou: { key: 'iou', read: number(0, 1, 'inclusive'), fallback: undefined },
  max: { key: 'max', read: integer(1, 100_000), fallback: undefined },
  truncate: { key: 'truncate', read: bool, fallback: undefined },
  normalize: { key: 'normalize', read: bool, fallback: undefined },
  dimensions: { key: 'dimensions', read: integer(1, 1_000_000), fallback: undefined },
  prompt: { key: 'prompt', read: text(64), fallback: undefined },
};

/** @internal */
export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

/**
 * The values of options, by their names.
 * @param known those that the model has
 * @throws invalid_request for an option that the model does not have, or a value that it cannot have
 * @internal
 */
export function readOptions(
  given: Readonly<Record<string, unknown>>,
  known: readonly OptionName[],
): RequestOptions {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (!isOptionName(name) || !known.includes(name)) {
      const names = known.length === 0 ? 'none' : known.join(', ');
      throw new DomainError(
        'invalid_request',
        `The model has no option "${name}"; its options are ${names}.`,
      );
    }
    read[name] = OPTIONS[name].read(value as never, (rule) => {
      throw new DomainError('invalid_request', `Option "${name}" ${rule}.`);
    });
  }
  return read;
}

/**
 * The same options as one text, whichever order they came in: a part of the cache key.
 * @internal
 */
export function canonicalOptions(options: RequestOptions): string {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
