import {
  listOf,
  mapping,
  number,
  integer,
  type KeyTable,
  type Reader,
  readKeys,
} from '../../config/yaml/readers';
import { readYamlMapping } from '../../config/yaml/yaml-mapping';
import type { Limits } from '../limits';
import { isScope, SCOPES } from '../scopes';
import type { KeyEntry } from './key-entry';

/** A file of five thousand keys; one that is larger would stop the process that reads it for too long. */
export const MAX_KEY_FILE_BYTES = 1024 * 1024;
const MAX_KEYS = 5000;
const MAX_SCOPES = 64;
const MAX_PER_SECOND = 1_000_000;
const MAX_AT_ONCE = 100_000;
const MAX_BODY_BYTES = 2 * 1024 ** 3;

/** What an entry says, before it is known to make sense as a whole. */
interface RawEntry {
  readonly name: string | undefined;
  readonly id: string | undefined;
  readonly sha256: string | undefined;
  readonly certificate: string | undefined;
  readonly scopes: readonly string[];
  readonly expiresAtMs: number | undefined;
  readonly limits: Limits;
}

const LIMIT_KEYS: KeyTable<Limits> = {
  requestsPerSecond: {
    key: 'requests_per_second',
    read: number(0, MAX_PER_SECOND, 'exclusive'),
    fallback: undefined,
  },
  rowsPerSecond: {
    key: 'rows_per_second',
    read: number(0, MAX_PER_SECOND, 'exclusive'),
    fallback: undefined,
  },
  requestsAtOnce: { key: 'requests_at_once', read: integer(1, MAX_AT_ONCE), fallback: undefined },
  bodyBytes: { key: 'body_bytes', read: integer(1, MAX_BODY_BYTES), fallback: undefined },
};

const scope: Reader<string> = (value, fault) =>
  typeof value === 'string' && isScope(value)
    ? value
    : fault(`must be one of ${SCOPES.join(', ')}, or infer:<model>, in which * stands for anything`);

const ENTRY_KEYS: KeyTable<RawEntry> = {
  name: {
    key: 'name',
    read: matching(/^[\w.@-]{1,64}$/, '1 to 64 letters, digits and _.@-'),
    fallback: undefined,
  },
  id: {
    key: 'id',
    read: matching(/^[a-z][a-z0-9]{7}$/, 'the 8 letters after nk_ in the key'),
    fallback: undefined,
  },
  sha256: { key: 'sha256', read: matching(/^[\da-f]{64}$/, '64 hexadecimal digits'), fallback: undefined },
  certificate: {
    key: 'certificate',
    read: matching(/^[!-~]{1,255}$/, "a name in the certificate's subject alternative names"),
    fallback: undefined,
  },
  scopes: { key: 'scopes', read: listOf(scope, MAX_SCOPES), fallback: [] },
  expiresAtMs: { key: 'expires', read: moment, fallback: undefined },
  limits: { key: 'limits', read: mapping(LIMIT_KEYS), fallback: {} },
};

/**
 * The callers that a keys file names: `keys:` and a list of entries.
 * @param faults gets everything that is wrong, by entry and key, and never a value; then the result is of no use
 */
export function readKeyFile(text: string, faults: string[]): readonly KeyEntry[] {
  const file = readYamlMapping(text, faults, MAX_KEY_FILE_BYTES);
  if (faults.length > 0) return [];
  return readKeys(file, { keys: { key: 'keys', read: entries, fallback: [] } }, faults).keys ?? [];
}

const entries: Reader<readonly KeyEntry[]> = (value, fault) => {
  const list = listOf(entry, MAX_KEYS)(value, fault);
  const taken = new Set<string>();
  list?.forEach(({ name, proof }) => {
    const marks = [`name ${name}`, proof.kind === 'key' ? `id ${proof.id}` : `certificate ${proof.subject}`];
    for (const mark of marks) {
      if (taken.has(mark)) fault(`the ${mark} is in more than one entry`);
      taken.add(mark);
    }
  });
  return list;
};

/** One entry, once each of its keys is sound by itself. */
const entry: Reader<KeyEntry> = (value, fault) => {
  let sound = true;
  const raw = mapping(ENTRY_KEYS)(value, (rule) => {
    sound = false;
    return fault(rule);
  });
  if (raw === undefined || !sound) return undefined;
  const { name, scopes, expiresAtMs, limits } = raw;
  const proof = proofOf(raw);
  if (name === undefined) fault('name: is missing');
  if (scopes.length === 0) fault('scopes: must be a list of at least one');
  if (proof === undefined) fault('must have either id and sha256, or certificate');
  return name === undefined || proof === undefined || scopes.length === 0
    ? undefined
    : { name, proof, scopes, expiresAtMs, limits };
};

function proofOf({ id, sha256, certificate }: RawEntry): KeyEntry['proof'] | undefined {
  if (certificate !== undefined)
    return id === undefined && sha256 === undefined
      ? { kind: 'certificate', subject: certificate }
      : undefined;
  return id !== undefined && sha256 !== undefined ? { kind: 'key', id, sha256 } : undefined;
}

function matching(form: RegExp, rule: string): Reader<string> {
  return (value, fault) => (typeof value === 'string' && form.test(value) ? value : fault(`must be ${rule}`));
}

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;

/** A day, which begins in UTC, or a time with its zone. */
function moment(...[value, fault]: Parameters<Reader<number>>): number | undefined {
  const ms = typeof value === 'string' && MOMENT.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(ms)
    ? fault('must be a day such as 2027-01-31, or a time such as 2027-01-31T12:00:00Z')
    : ms;
}
