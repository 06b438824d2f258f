import { choice, type KeyTable, type Reader } from '../config/yaml/readers';
import { isJsonObject, type JsonObject, type JsonValue } from '../config/yaml/json-value';
import { DomainError } from '../errors/domain-error';
import type { DeclaredType, ReadDeclaration } from './declared-type';
import { INPUT_TYPES, type InputType } from './input-types';
import { isOptionName } from './options';
import { OUTPUT_TYPES, type OutputType } from './output-types';
import type { InputPlan, OutputPlan } from './plans';
import type { Fact, Recognised } from './recognition/recognised';

const MAX_DECLARED = 32;
const MAX_FAULTS = 20;
const NAME = /^[A-Za-z_][\w-]{0,63}$/;

/** What `model.yaml` says of a model's inputs and outputs beyond tensors. */
export interface DeclarationConfig {
  /** `auto`: files beside the model say what `model.yaml` leaves out. */
  readonly pipeline: 'auto' | 'off';
  readonly input: JsonObject;
  readonly output: JsonObject;
}

/** One declared input or output, with the source of each of its keys. */
export interface Declared<Type extends DeclaredType<Plan>, Plan> {
  readonly name: string;
  readonly type: Type;
  readonly keys: JsonObject;
  readonly sources: ReadonlyMap<string, string>;
  readonly read: ReadDeclaration<Plan>;
}

/** A declaration whose grammar is sound, not yet held against a session. */
export interface Declaration {
  readonly inputs: readonly Declared<InputType, InputPlan>[];
  readonly outputs: readonly Declared<OutputType, OutputPlan>[];
  /** Does `model.yaml` itself declare something? */
  readonly isOwn: boolean;
  /** Why something that lies beside the model was not recognised; empty when there is nothing to say. */
  readonly reason: string;
}

/** A mapping of names to declarations, each checked as far as it is complete: files may yet say its type. */
function declarations(types: readonly DeclaredType<unknown>[]): Reader<JsonObject> {
  return (value, fault) => {
    if (!isJsonObject(value) || Object.keys(value).length > MAX_DECLARED) {
      return fault(`must be a mapping of at most ${MAX_DECLARED} names to declarations`);
    }
    for (const [name, keys] of Object.entries(value)) {
      const faults: string[] = [];
      checkName(name, faults);
      if (!isJsonObject(keys)) faults.push('must be a mapping of keys to values');
      else if (Object.hasOwn(keys, 'type'))
        readOne<DeclaredType<unknown>, unknown>(name, keys, types, faults);
      for (const one of faults) fault(`${name.slice(0, 64)}: ${one}`);
    }
    return value;
  };
}

const NONE: JsonObject = Object.freeze({});

/** The keys of `model.yaml` that this room has. */
export const DECLARATION_KEYS: KeyTable<DeclarationConfig> = {
  pipeline: { key: 'pipeline', read: choice(['auto', 'off']), fallback: 'auto' },
  input: { key: 'input', read: declarations(INPUT_TYPES), fallback: NONE },
  output: { key: 'output', read: declarations(OUTPUT_TYPES), fallback: NONE },
};

/**
 * What `model.yaml` says, completed key by key by what was recognised beside the model.
 * @throws model_unavailable, whose details list every fault
 */
export function declarationOf(config: DeclarationConfig, recognised: Recognised): Declaration {
  const faults: string[] = [];
  const inputs = complete<InputType, InputPlan>('input', config.input, recognised.facts, INPUT_TYPES, faults);
  const outputs = complete<OutputType, OutputPlan>(
    'output',
    config.output,
    recognised.facts,
    OUTPUT_TYPES,
    faults,
  );
  const isOwn = Object.keys(config.input).length + Object.keys(config.output).length > 0;
  if (faults.length > 0 && !isOwn) return { inputs: [], outputs: [], isOwn, reason: faults.join('; ') };
  throwFaults(faults);
  return { inputs, outputs, isOwn, reason: recognised.reason };
}

/** @throws model_unavailable when there are any */
export function throwFaults(faults: readonly string[]): void {
  if (faults.length === 0) return;
  const details = faults.slice(0, MAX_FAULTS);
  if (faults.length > MAX_FAULTS) details.push(`and ${faults.length - MAX_FAULTS} more`);
  throw new DomainError('model_unavailable', `its declaration has faults: ${details.join('; ')}`, {
    details,
  });
}

function complete<Type extends DeclaredType<Plan>, Plan>(
  side: Fact['side'],
  given: JsonObject,
  facts: readonly Fact[],
  types: readonly Type[],
  faults: string[],
): Declared<Type, Plan>[] {
  const known = facts.filter((fact) => fact.side === side);
  const names = new Set([...Object.keys(given), ...namesOf(known, given)]);
  return [...names].flatMap((name) => {
    const own = given[name] ?? NONE;
    const all = isJsonObject(own) ? { ...own } : {};
    const sources = new Map(Object.keys(all).map((key) => [key, 'model.yaml']));
    for (const { key, value, from } of meantBy(known, name, all.type, given)) {
      if (sources.has(key)) continue;
      sources.set(key, from);
      all[key] = value;
    }
    const before = faults.length;
    const read = readOne<Type, Plan>(name, all, types, faults);
    for (let i = before; i < faults.length; i++) faults[i] = `${side}: ${name}: ${faults[i]}`;
    return read === undefined ? [] : [{ name, type: read.type, keys: all, sources, read: read.declaration }];
  });
}

/** What files say of one declaration; nothing where it has another type than they mean. */
function meantBy(
  facts: readonly Fact[],
  name: string,
  type: JsonValue | undefined,
  given: JsonObject,
): readonly Fact[] {
  const meant = facts.filter((fact) => fact.name === name || isRenamed(fact, given));
  const theirs = meant.find(({ key }) => key === 'type')?.value;
  return type === undefined || type === theirs ? meant : [];
}

/** Files call an input by its type; where `model.yaml` has one declaration, it is the one they mean. */
function isRenamed(fact: Fact, given: JsonObject): boolean {
  const names = Object.keys(given);
  return names.length === 1 && !Object.hasOwn(given, fact.name);
}

/** The names of what files declare and `model.yaml` does not. */
function namesOf(facts: readonly Fact[], given: JsonObject): string[] {
  return facts.filter((fact) => !isRenamed(fact, given)).map(({ name }) => name);
}

function readOne<Type extends DeclaredType<Plan>, Plan>(
  name: string,
  keys: JsonObject,
  types: readonly Type[],
  faults: string[],
): { type: Type; declaration: ReadDeclaration<Plan> } | undefined {
  const { type: wanted, ...others } = keys;
  const type = types.find((candidate) => candidate.type === wanted);
  if (type === undefined) {
    faults.push(`type: must be one of ${types.map((one) => one.type).join(', ')}`);
    return undefined;
  }
  return { type, declaration: type.read(name, others, faults) };
}

function checkName(name: string, faults: string[]): void {
  if (!NAME.test(name)) faults.push('is no name: letters, digits, _ and -, at most 64');
  else if (isOptionName(name)) faults.push('is the name of an option of requests');
}
