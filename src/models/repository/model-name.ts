const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const TAKEN: ReadonlySet<string> = new Set(['models', 'stats']);
const VERSION = /^[1-9][0-9]{0,9}$/;
const MAX_VERSION = 2 ** 31;

/**
 * Is this text a model's name? Letters, digits, `.`, `_` and `-`, at most 128 of them, not beginning with
 * `.` or `-`, without `..`. So a name is always one plain path segment, on disk and in a URL.
 * `models` and `stats` are refused in any case of their letters: `GET {prefix}/inference/models` and
 * `GET /v2/models/stats` are about all models, and Express matches routes without regard to case.
 */
export function isModelName(text: string): boolean {
  return NAME.test(text) && !text.includes('..') && !TAKEN.has(text.toLowerCase());
}

/** Is this text a version? A whole number from 1 to 2^31, without leading zeros. */
export function isVersion(text: string): boolean {
  return VERSION.test(text) && Number(text) <= MAX_VERSION;
}
