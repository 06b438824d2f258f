import { anyTruncated } from '../../processing/input-facts';
import { JsonWriter } from '../../tensors/json/json-writer';
import { readNamedInputs } from '../../tensors/json/named-inputs';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { type DeclaredAnswer, writeDeclared } from '../../processing/declared-answer';
import type { DeclaredBody, DeclaredInputs } from '../../processing/declared-inputs';
import { readDeclaredJson } from './declared-call';

/** What a body holds: tensors in the order of the model's inputs, or what it asks of the model's declaration. */
export type NativeBody =
  | { readonly tensors: Tensor[]; readonly declared?: undefined }
  | { readonly tensors?: undefined; readonly declared: DeclaredBody };

/**
 * Reads a native request body in JSON, by the model's own inputs or by declared ones.
 * @param maxTexts elements that an input of BYTES may have
 * @param declared undefined where the model declares none
 * @throws what `readNamedInputs` and `readDeclaredJson` throw
 */
export function decodeBody(
  body: Buffer,
  specs: readonly TensorSpec[],
  maxTexts: number,
  declared: DeclaredInputs | undefined,
): NativeBody {
  const found = declared && readDeclaredJson(body, declared);
  return found === undefined ? { tensors: readNamedInputs(body, specs, maxTexts) } : { declared: found };
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
