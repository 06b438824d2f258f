import { DomainError } from '../../errors/domain-error';
import { anyTruncated } from '../../processing/input-facts';
import { readInput } from '../../tensors/json/input-reader';
import { JsonReader } from '../../tensors/json/json-reader';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { type DeclaredAnswer, writeDeclared } from '../../processing/declared-answer';
import { type DeclaredBody, type DeclaredInputs, readDeclaredJson } from './declared-call';

const OPEN_BRACE = 0x7b;

/**
 * Reads a native request body, `{"<input>": values, ...}` or the bare values of a model's only input.
 * @param maxTexts elements that an input of BYTES may have; any number where that is not said
 * @returns the tensors in the order of `specs`
 * @throws invalid_json, missing_input, unknown_input, and what `readInput` throws
 */
export function decodeNative(body: Buffer, specs: readonly TensorSpec[], maxTexts?: number): Tensor[] {
  const reader = new JsonReader(body);
  const only = specs[0];
  if (specs.length === 1 && only !== undefined && reader.peek() !== OPEN_BRACE) {
    const tensor = readInput(reader, only, body.length, maxTexts);
    reader.expectEnd();
    return [tensor];
  }
  const tensors = readInputs(reader, specs, body.length, maxTexts);
  reader.expectEnd();
  const missing = specs.filter((_, i) => tensors[i] === undefined);
  if (missing.length > 0) {
    throw new DomainError('missing_input', `Missing ${list(missing)}; the model takes ${list(specs)}.`);
  }
  return tensors as Tensor[];
}

function readInputs(
  reader: JsonReader,
  specs: readonly TensorSpec[],
  maxCount: number,
  maxTexts: number | undefined,
): (Tensor | undefined)[] {
  const tensors = new Array<Tensor | undefined>(specs.length).fill(undefined);
  reader.enterObject();
  for (let key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
    const index = specs.findIndex((spec) => spec.name === key);
    const spec = specs[index];
    if (spec === undefined) {
      throw new DomainError(
        'unknown_input',
        `Unknown input ${JSON.stringify(key.slice(0, 100))}; the model takes ${list(specs)}.`,
      );
    }
    if (tensors[index] !== undefined) {
      throw new DomainError(
        'invalid_json',
        `Input "${key}" is given twice (again before position ${reader.position}).`,
      );
    }
    tensors[index] = readInput(reader, spec, maxCount, maxTexts);
  }
  return tensors;
}

function list(specs: readonly TensorSpec[]): string {
  return specs.map((spec) => `"${spec.name}"`).join(', ') || 'no inputs';
}

/** What a body holds: tensors in the order of the model's inputs, or what it asks of the model's declaration. */
export type NativeBody =
  | { readonly tensors: Tensor[]; readonly declared?: undefined }
  | { readonly tensors?: undefined; readonly declared: DeclaredBody };

/**
 * Reads a native request body in JSON, by the model's own inputs or by declared ones.
 * @param maxTexts elements that an input of BYTES may have
 * @param declared undefined where the model declares none
 * @throws what `decodeNative` and `readDeclaredJson` throw
 */
export function decodeBody(
  body: Buffer,
  specs: readonly TensorSpec[],
  maxTexts: number,
  declared: DeclaredInputs | undefined,
): NativeBody {
  const found = declared && readDeclaredJson(body, declared);
  return found === undefined ? { tensors: decodeNative(body, specs, maxTexts) } : { declared: found };
}

/** What a native answer says besides the tensors. */
export interface NativeAnswer {
  readonly outputs: readonly Tensor[];
  /** Undefined where they are the model's own. */
  readonly declared?: Omit<DeclaredAnswer, 'outputs'>;
  readonly cached: boolean;
  readonly processingSeconds: number;
  readonly model: string;
  readonly version: string;
}

export function encodeNative(answer: NativeAnswer): Buffer {
  const writer = new JsonWriter();
  writer.raw('{"result":');
  if (answer.declared === undefined) writeTensors(writer, answer.outputs);
  else writeDeclared(writer, { ...answer.declared, outputs: answer.outputs });
  if (answer.declared !== undefined && anyTruncated(answer.outputs)) writer.raw(',"truncated":true');
  writer.raw(answer.cached ? ',"cached":true,"processing_time":' : ',"cached":false,"processing_time":');
  writer.number(answer.processingSeconds);
  writer.raw(',"model":');
  writer.string(answer.model);
  writer.raw(',"version":');
  writer.string(answer.version);
  writer.raw('}');
  return writer.finish();
}

function writeTensors(writer: JsonWriter, outputs: readonly Tensor[]): void {
  writer.raw('{');
  let first = true;
  for (const { name, data, datatype, shape } of outputs) {
    if (!first) writer.raw(',');
    first = false;
    writer.string(name);
    writer.raw(':');
    writer.tensorNested(data, datatype, shape);
  }
  writer.raw('}');
}
