import { isJsonObject, type JsonObject, type JsonValue } from './json-value';

/** ChangeQueue one value of the file into the setting, or says what it must be: `fault('must be ...')`. */
export type Reader<T> = (value: JsonValue, fault: (rule: string) => undefined) => T | undefined;

export interface Key<T> {
  /** The key as the file spells it. */
  readonly key: string;
  readonly read: Reader<T>;
  /** The setting where the file has no such key. */
  readonly fallback: T;
}

/** A key for every field of the settings `T`. */
export type KeyTable<T> = { readonly [Field in keyof T]: Key<T[Field]> };

/**
 * Reads the settings of a mapping. Every fault is listed by key and rule, without the value, which may be
 * anybody's secret; where there are faults the result is of no use. An unknown key is a fault.
 * @param misplaced keys that there are, but not here, and why
 */
export function readKeys<T extends object>(
  mapping: JsonObject,
  table: KeyTable<T>,
  faults: string[],
  misplaced: ReadonlyMap<string, string> = new Map(),
): Readonly<T> {
  const keys = Object.entries<Key<unknown>>(table);
  const known = new Set(keys.map(([, { key }]) => key));
  for (const name of Object.keys(mapping)) {
    const elsewhere = misplaced.get(name);
    if (elsewhere !== undefined) faults.push(`${name}: ${elsewhere}`);
    else if (!known.has(name)) faults.push(unknownKey(name, known));
  }
  const settings = keys.map(([field, { key, read, fallback }]) => {
    const value = mapping[key];
    if (value === undefined || !Object.hasOwn(mapping, key)) return [field, fallback];
    return [field, read(value, (rule) => void faults.push(`${key}: ${rule}`))];
  });
  return Object.freeze(Object.fromEntries(settings) as T);
}

export const bool: Reader<boolean> = (value, fault) =>
  typeof value === 'boolean' ? value : fault('must be true or false');

export function text(maxLength: number): Reader<string> {
  return (value, fault) =>
    typeof value === 'string' && value.length <= maxLength
      ? value
      : fault(`must be a text of at most ${maxLength} characters`);
}

export function integer(min: number, max: number): Reader<number> {
  return (value, fault) =>
    typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
      ? value
      : fault(`must be a whole number from ${min} to ${max}`);
}

/** A number from `min` to `max`; with `exclusive` it must be more than `min`. */
export function number(min: number, max: number, exclusive: 'exclusive' | 'inclusive'): Reader<number> {
  const least = exclusive === 'exclusive' ? `above ${min} and at most` : `from ${min} to`;
  return (value, fault) =>
    typeof value === 'number' && value <= max && (value > min || (value === min && exclusive === 'inclusive'))
      ? value
      : fault(`must be a number ${least} ${max}`);
}

export function choice<const C extends string>(choices: readonly C[]): Reader<C> {
  return (value, fault) =>
    choices.find((candidate) => candidate === value) ?? fault(`must be one of ${choices.join(', ')}`);
}

/** Words of lower-case letters and digits, at least one, each once. */
export function words(maxItems: number): Reader<readonly string[]> {
  return (value, fault) => {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [];
    const valid = list.filter((word): word is string => typeof word === 'string' && /^[a-z0-9]+$/.test(word));
    if (list.length > 0 && list.length <= maxItems && new Set(valid).size === list.length) return valid;
    return fault(`must be a list of 1 to ${maxItems} different words of lower-case letters and digits`);
  };
}

/** A relative path that leads nowhere up, of a file beside model.yaml or below. */
export const pathBelow: Reader<string> = (value, fault) =>
  typeof value === 'string' &&
  /^[^\0\\]{1,255}$/.test(value) &&
  value.split('/').every((part) => part !== '' && !part.startsWith('.'))
    ? value
    : fault('must be the path of a file below the folder of model.yaml, without hidden parts');

/** A mapping that has keys of its own. */
export function mapping<T extends object>(table: KeyTable<T>): Reader<Readonly<T>> {
  return (value, fault) => {
    if (!isJsonObject(value)) return fault('must be a mapping of keys to values');
    const faults: string[] = [];
    const settings = readKeys(value, table, faults);
    for (const rule of faults) fault(rule);
    return settings;
  };
}

/** A value for each of a model's inputs, in the form that the native API takes. */
export const inputs: Reader<JsonObject> = (value, fault) =>
  isJsonObject(value) ? value : fault("must be a mapping of the model's inputs to values");

/** A list of what `item` reads. */
export function listOf<T>(item: Reader<T>, maxItems: number): Reader<readonly T[]> {
  return (value, fault) => {
    if (!Array.isArray(value) || value.length > maxItems)
      return fault(`must be a list of at most ${maxItems}`);
    const list: readonly JsonValue[] = value;
    return list.flatMap((one, i) => item(one, (rule) => fault(`${i + 1}: ${rule}`)) ?? []);
  };
}

export function listOfInputs(maxItems: number): Reader<readonly JsonObject[]> {
  return (value, fault) => {
    const list: readonly JsonValue[] = Array.isArray(value) ? value : [null];
    const valid = list.filter(isJsonObject);
    if (valid.length === list.length && list.length <= maxItems) return valid;
    return fault(`must be a list of at most ${maxItems} mappings of the model's inputs to values`);
  };
}

function unknownKey(name: string, known: ReadonlySet<string>): string {
  const meant = [...known].find((key) => bare(key) === bare(name));
  const shown = name.length > 64 ? `${name.slice(0, 64)}...` : name;
  return `${shown}: unknown key${meant === undefined ? '' : `, did you mean ${meant}?`}`;
}

function bare(key: string): string {
  return key.replaceAll(/[_-]/g, '').toLowerCase();
}
