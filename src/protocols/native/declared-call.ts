import { charsetOf, mediaTypeOf } from '../../common/media-type';
import { DomainError } from '../../errors/domain-error';
import {
  type DeclaredBody,
  type DeclaredInputs,
  inOrder,
  isFor,
  joined,
  namesDeclared,
  typeOf,
  unknownName,
} from '../../processing/declared-inputs';
import type { InputType } from '../../processing/input-types';
import { isOptionName, readOptions, type RequestOptions } from '../../processing/options';
import type { InputPlan } from '../../processing/plans';
import { type RawInput, textOfBytes } from '../../processing/raw-input';
import { JsonReader } from '../../tensors/json/json-reader';
import { type FormPart, readForm } from '../http-call/multipart';

const OPEN_BRACE = 0x7b;
/** Parts of a form, fields included. */
const MAX_PARTS = 256;

/**
 * Reads a JSON body by declared inputs: `{"image": {"b64": "..."}, "top_k": 3}`.
 * @returns undefined where the body names none of them: then it is one of tensors
 * @throws invalid_json, invalid_request, missing_input, unknown_input, and what the types throw
 */
export function readDeclaredJson(body: Buffer, declared: DeclaredInputs): DeclaredBody | undefined {
  const reader = new JsonReader(body);
  if (reader.peek() !== OPEN_BRACE) return undefined;
  const names = keysOf(new JsonReader(body));
  if (!names.some((name) => namesDeclared(name, declared))) return undefined;
  const inputs: RawInput[] = [];
  const options: Record<string, unknown> = {};
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    const plan = declared.inputs.find((one) => isFor(one, key, declared));
    if (plan === undefined && !isOptionName(key)) throw unknownName(key, declared);
    if (key in options || (plan !== undefined && inputs.some(({ name }) => name === plan.name))) {
      throw new DomainError('invalid_json', `"${key}" is given twice.`);
    }
    const value = reader.readValue();
    if (plan === undefined) options[key] = value;
    else inputs.push(typeOf(plan).fromJson(plan.name, value, plan));
  }
  reader.expectEnd();
  return { inputs: inOrder(inputs, declared), options: readOptions(options, declared.options) };
}

/** Reads a form: parts named by inputs, repeated for several, and fields named by options. @throws as the JSON form */
export function readDeclaredForm(body: Buffer, contentType: string, declared: DeclaredInputs): DeclaredBody {
  const given = new Map<InputPlan, RawInput[]>();
  const options: Record<string, unknown> = {};
  for (const part of readForm(body, contentType, MAX_PARTS)) {
    const plan = declared.inputs.find(({ name }) => name === part.name);
    if (plan !== undefined) given.set(plan, [...(given.get(plan) ?? []), rawOfPart(plan, part)]);
    else if (!isOptionName(part.name)) throw unknownName(part.name, declared);
    else if (part.name in options) {
      throw new DomainError('invalid_request', `"${part.name}" is given twice.`);
    }
    // A browser sends the fields that nobody filled in, too.
    else if (part.content.length > 0) options[part.name] = scalarOf(textOfPart(part));
  }
  const inputs = [...given].map(([plan, pieces]) => joined(plan, pieces));
  return { inputs: inOrder(inputs, declared), options: readOptions(options, declared.options) };
}

/**
 * Reads a body that is one input: a picture, a text, a table.
 * @param contentType the request's header, with its parameters
 * @returns undefined where the model declares no such input, or several
 */
export function readDeclaredBytes(
  body: Buffer,
  contentType: string,
  declared: DeclaredInputs,
): DeclaredBody | undefined {
  const [plan, ...others] = declared.inputs;
  if (plan === undefined || others.length > 0 || !accepts(typeOf(plan), mediaTypeOf(contentType)))
    return undefined;
  return { inputs: [typeOf(plan).fromBytes(plan.name, body, contentType, plan)], options: {} };
}

/** Options in a query. @throws invalid_request */
export function queryOptions(query: URLSearchParams, declared: DeclaredInputs): RequestOptions {
  const given = [...query].filter(([name]) => isOptionName(name));
  return readOptions(
    Object.fromEntries(given.map(([name, text]) => [name, scalarOf(text)])),
    declared.options,
  );
}

/** The content types that a model's declared inputs come in, besides JSON. */
export function declaredContentTypes({ inputs }: DeclaredInputs): string[] {
  const [plan, ...others] = inputs;
  if (plan === undefined) return [];
  return others.length > 0 ? ['multipart/form-data'] : [...typeOf(plan).contentTypes, 'multipart/form-data'];
}

function keysOf(reader: JsonReader): string[] {
  const keys: string[] = [];
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    keys.push(key);
    reader.skipValue();
  }
  return keys;
}

function accepts({ contentTypes }: InputType, contentType: string): boolean {
  return contentTypes.some(
    (type) => type === contentType || (type.endsWith('/*') && contentType.startsWith(type.slice(0, -1))),
  );
}

function rawOfPart(plan: InputPlan, { name, content, contentType }: FormPart): RawInput {
  return typeOf(plan).fromBytes(name, content, contentType, plan);
}

function textOfPart({ name, content, contentType }: FormPart): string {
  return textOfBytes(content, `Field "${name}"`, charsetOf(contentType));
}

/** What a text means where JSON would have a number or a boolean. */
function scalarOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
