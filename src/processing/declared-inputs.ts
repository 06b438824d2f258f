import { DomainError } from '../errors/domain-error';
import { INPUT_TYPES, type InputType } from './input-types';
import { isOptionName, type OptionName, readOptions, type RequestOptions } from './options';
import type { InputPlan } from './plans';
import type { RawInput } from './raw-input';

/** What of a model's declaration a request is read by; plain data, as it goes to the JSON thread. */
export interface DeclaredInputs {
  readonly inputs: readonly InputPlan[];
  readonly options: readonly OptionName[];
}

/** Raw inputs in the order of their declaration, and what else the body asks for. */
export interface DeclaredBody {
  readonly inputs: readonly RawInput[];
  readonly options: RequestOptions;
}

/**
 * Reads values of the language by declared inputs: `{image: bytes, top_k: 3}`. Bytes are what would come by themselves, a
 * picture, a text in UTF-8 or CSV; anything else is what JSON would have.
 * @returns undefined where they name none of the inputs: then they are tensors
 * @throws missing_input, unknown_input, invalid_request, and what the types throw
 */
export function readDeclaredValues(
  given: Readonly<Record<string, unknown>>,
  declared: DeclaredInputs,
): DeclaredBody | undefined {
  const planOf = (name: string): InputPlan | undefined =>
    declared.inputs.find((plan) => isFor(plan, name, declared));
  const entries = Object.entries(given);
  if (!entries.some(([name]) => namesDeclared(name, declared))) return undefined;
  const inputs: RawInput[] = [];
  const options: Record<string, unknown> = {};
  for (const [name, value] of entries) {
    const plan = planOf(name);
    if (plan !== undefined) inputs.push(rawOfValue(plan, value));
    else if (isOptionName(name)) options[name] = value;
    else throw unknownName(name, declared);
  }
  return { inputs: inOrder(inputs, declared), options: readOptions(options, declared.options) };
}

function rawOfValue(plan: InputPlan, value: unknown): RawInput {
  const type = typeOf(plan);
  if (value instanceof Uint8Array) return type.fromBytes(plan.name, value, undefined, plan);
  if (Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof Uint8Array)) {
    const pieces = value.map((item) => type.fromBytes(plan.name, item, undefined, plan));
    return { ...joined(plan, pieces), isList: true };
  }
  return type.fromJson(plan.name, value, plan);
}

/** The pieces of several parts of one name. @throws invalid_request where there may be but one */
export function joined(plan: InputPlan, parts: readonly RawInput[]): RawInput {
  const [first, ...others] = parts as [RawInput, ...RawInput[]];
  if (others.length === 0) return first;
  if (first.media !== 'image' && first.media !== 'text') {
    throw new DomainError('invalid_request', `Input "${plan.name}": is given ${parts.length} times.`);
  }
  return { ...first, pieces: parts.flatMap(({ pieces }) => pieces), isList: true };
}

/** @throws missing_input */
export function inOrder(given: readonly RawInput[], { inputs }: DeclaredInputs): RawInput[] {
  const missing = inputs.filter((plan) => !given.some(({ name }) => name === plan.name));
  if (missing.length > 0) {
    throw new DomainError('missing_input', `Missing ${listOf(missing)}; the model takes ${listOf(inputs)}.`);
  }
  return inputs.map((plan) => given.find(({ name }) => name === plan.name)!);
}

/** Does a key of the body show that it is not one of tensors, which may be called as some options are? */
export function namesDeclared(key: string, declared: DeclaredInputs): boolean {
  if (declared.inputs.some((plan) => isFor(plan, key, declared))) return true;
  return isOptionName(key) && !declared.inputs.some(({ covers }) => covers.includes(key));
}

/** Does a key of the body mean this input? A table may also come under the keys of its own forms. */
export function isFor(plan: InputPlan, key: string, { inputs }: DeclaredInputs): boolean {
  if (key === plan.name) return true;
  const isBodyKey = inputs.length === 1 && typeOf(plan).bodyKeys?.includes(key) === true;
  return isBodyKey && !plan.covers.includes(key);
}

/** What an input of this kind is read by. */
export function typeOf(plan: InputPlan): InputType {
  return INPUT_TYPES.find(({ type }) => type === plan.type)!;
}

/** The refusal of a name that is neither an input nor an option. */
export function unknownName(name: string, { inputs, options }: DeclaredInputs): DomainError {
  const optional = options.length === 0 ? '' : `, and the options ${options.join(', ')}`;
  return new DomainError(
    'unknown_input',
    `Unknown input ${JSON.stringify(name.slice(0, 100))}; the model takes ${listOf(inputs)}${optional}. Its tensors go in a request of their own.`,
  );
}

function listOf(inputs: readonly { readonly name: string }[]): string {
  return inputs.map(({ name }) => `"${name}"`).join(', ') || 'no inputs';
}
