import type { Reader } from '../../config/yaml/readers';
import { isJsonObject, type JsonValue } from '../../config/yaml/json-value';
import { isVersion } from './model-name';

/** How calls that name no version are split between versions; the default one has the rest. */
export interface Traffic {
  readonly shares: readonly { readonly version: string; /** Over 0, up to 1. */ readonly share: number }[];
  /** Calls that say the same under this name (a header over HTTP) go to the same version; undefined: each by chance. */
  readonly by: string | undefined;
}

const RULE =
  'must be {<version>: <per cent>%, ...} of together at most 100%, with by: <header> where callers are to stay';

/** `{2: 10%}` or `{2: 10%, 3: 1%, by: x-user-id}`. */
export const traffic: Reader<Traffic> = (value, fault) => {
  if (!isJsonObject(value)) return fault(RULE);
  const { by, ...rest } = value;
  const shares = Object.entries(rest).map(([version, share]) => ({ version, share: shareOf(share) }));
  const sum = shares.reduce((all, { share }) => all + share, 0);
  const isRight = shares.length > 0 && shares.every(({ version, share }) => isVersion(version) && share > 0);
  // A sum of tenths may come out a little above what it is.
  if (!isRight || sum > 1 + 1e-9) return fault(RULE);
  if (by !== undefined && (typeof by !== 'string' || !/^[A-Za-z0-9-]{1,64}$/.test(by))) return fault(RULE);
  return { shares, by: by?.toLowerCase() };
};

/** The version whose requests are copied to it. */
export const shadow: Reader<string> = (value, fault) =>
  (typeof value === 'number' || typeof value === 'string') && isVersion(String(value))
    ? String(value)
    : fault('must be a version, such as 3');

/** NaN for what is none, which no comparison takes. */
function shareOf(value: JsonValue | undefined): number {
  if (typeof value !== 'string') return NaN;
  const [, percent] = /^([0-9]{1,3}(?:\.[0-9]{1,4})?) ?%$/.exec(value) ?? [];
  return Number(percent) / 100;
}
