import { LineCounter, Parser, parseDocument, type CST } from 'yaml';
import { reasonOf } from '../../errors/domain-error';
import type { JsonObject, JsonValue } from './json-value';

export const MAX_YAML_BYTES = 64 * 1024;
const MAX_DEPTH = 32;
const MAX_KEYS = 256;
const MAX_ALIASES = 32;

/**
 * The mapping that a YAML 1.2 document holds, as frozen JSON values; an empty document is an empty one.
 * What is wrong with the text goes to `faults`.
 *
 * A value is exact or a fault, and its key left out: an integer beyond 2^53, NaN and the infinities have no
 * JSON number, and the API takes them as strings.
 */
export function readYamlMapping(text: string, faults: string[], maxBytes = MAX_YAML_BYTES): JsonObject {
  if (Buffer.byteLength(text) > maxBytes) {
    faults.push(`the file is larger than ${maxBytes / 1024} KiB`);
    return {};
  }
  const excess = excessOf(text);
  if (excess !== undefined) {
    faults.push(excess);
    return {};
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    resolveKnownTags: false,
    merge: false,
    stringKeys: true,
    intAsBigInt: true,
    // Its excerpts of the text cost seconds where thousands of faults are.
    prettyErrors: false,
    lineCounter: lines,
  });
  for (const { message, pos } of [...document.errors, ...document.warnings]) {
    const { line, col } = lines.linePos(pos[0]);
    faults.push(`line ${line}, column ${col}: ${message}`);
  }
  if (faults.length > 0) return {};
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    faults.push(reasonOf(error));
  }
  if (value === null || value === undefined) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return readEntries(value, faults);
  faults.push('must be a mapping of keys to values');
  return {};
}

/**
 * Too deep, too wide or too entangled to be composed? The library composes recursively, and thousands of
 * nested maps end the whole process (V8 cannot compile a regular expression near the end of the stack); it
 * looks for duplicate keys and for an alias's anchor in quadratic time. Its first pass, asked here, does not.
 */
function excessOf(text: string): string | undefined {
  let aliases = 0;
  const open: { token: CST.Token | null | undefined; depth: number }[] = [];
  for (const token of new Parser().parse(text)) open.push({ token, depth: 0 });
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next;
    if (!token) continue;
    if (depth > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`;
    if (token.type === 'alias' && ++aliases > MAX_ALIASES) return `has more than ${MAX_ALIASES} aliases`;
    if (token.type === 'document') open.push({ token: token.value, depth });
    if (!('items' in token)) continue;
    const isMapping =
      token.type === 'block-map' || (token.type === 'flow-collection' && token.start.source === '{');
    if (isMapping && token.items.length > MAX_KEYS) return `has more than ${MAX_KEYS} keys in one mapping`;
    for (const item of token.items) {
      open.push({ token: item.key, depth: depth + 1 }, { token: item.value, depth: depth + 1 });
    }
  }
  return undefined;
}

function readEntries(entries: object, faults: string[]): JsonObject {
  const reader = new JsonReader(faults);
  const sound: [string, JsonValue][] = [];
  for (const [key, item] of Object.entries(entries)) {
    const before = faults.length;
    const read = reader.read(item, key);
    if (faults.length === before) sound.push([key, read]);
  }
  return Object.freeze(Object.fromEntries(sound));
}

class JsonReader {
  /** What aliases share is read once; undefined while it is being read, so that a cycle shows. */
  private readonly shared = new Map<object, JsonValue | undefined>();

  constructor(private readonly faults: string[]) {}

  read(value: unknown, path: string): JsonValue {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (Number.isFinite(value)) return value;
        return this.fault(path, 'is not a finite number; write "NaN", "Infinity" or "-Infinity" in quotes');
      case 'bigint':
        if (Number.isSafeInteger(Number(value))) return Number(value);
        return this.fault(path, 'is an integer beyond 2^53; write it in quotes, so that it stays exact');
      case 'object':
        return value === null ? null : this.readShared(value, path);
      default:
        return this.fault(path, 'is not a JSON value');
    }
  }

  private readShared(value: object, path: string): JsonValue {
    if (this.shared.has(value)) return this.shared.get(value) ?? this.fault(path, 'contains itself');
    this.shared.set(value, undefined);
    const read = Array.isArray(value)
      ? value.map((item, i) => this.read(item, `${path}[${i}]`))
      : Object.fromEntries(
          Object.entries(value).map(([key, item]) => [key, this.read(item, `${path}.${key}`)]),
        );
    this.shared.set(value, Object.freeze(read));
    return read;
  }

  private fault(path: string, reason: string): null {
    this.faults.push(`${path}: ${reason}`);
    return null;
  }
}
