import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import { JsonWriter } from '../../../tensors/json/json-writer';
import { binarySize, writeBinary } from './binary-elements';

export interface EncodedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export const JSON_LENGTH_HEADER = 'inference-header-content-length';

/**
 * An inference request of the Open Inference Protocol.
 * https://github.com/kserve/open-inference-protocol, and for the binary form
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 * @param outputs those that are wanted
 * @param binary tensors as bytes behind the JSON, in both directions
 */
export function encodeV2(
  inputs: readonly Tensor[],
  outputs: readonly TensorSpec[],
  binary: boolean,
  id: string | undefined,
): EncodedRequest {
  const writer = new JsonWriter(true);
  writer.raw('{');
  if (id !== undefined) {
    writer.raw('"id":');
    writer.string(id);
    writer.raw(',');
  }
  writer.raw('"inputs":[');
  inputs.forEach((input, i) => {
    if (i > 0) writer.raw(',');
    writeInput(writer, input, binary);
  });
  writer.raw('],"outputs":[');
  outputs.forEach(({ name }, i) => {
    writer.raw(i > 0 ? ',{"name":' : '{"name":');
    writer.string(name);
    if (binary) writer.raw(',"parameters":{"binary_data":true}');
    writer.raw('}');
  });
  writer.raw(']}');
  const json = writer.finish();
  if (!binary) return { headers: { 'content-type': 'application/json' }, body: json };
  return {
    headers: { 'content-type': 'application/octet-stream', [JSON_LENGTH_HEADER]: String(json.length) },
    body: withBinary(json, inputs),
  };
}

function writeInput(writer: JsonWriter, input: Tensor, binary: boolean): void {
  const { name, datatype, shape, data } = input;
  writer.raw('{"name":');
  writer.string(name);
  writer.raw(`,"datatype":"${datatype}","shape":[${shape.join(',')}],`);
  if (binary) {
    writer.raw(`"parameters":{"binary_data_size":${binarySize(input)}}}`);
    return;
  }
  writer.raw('"data":');
  // Other servers read integers as such, of whatever size, and no strings.
  if (datatype === 'INT64' || datatype === 'UINT64') writer.raw(`[${data.join(',')}]`);
  else writer.tensorFlat(data, datatype, data.length);
  writer.raw('}');
}

function withBinary(json: Buffer, inputs: readonly Tensor[]): Buffer {
  let sizeBytes = json.length;
  for (const input of inputs) sizeBytes += binarySize(input);
  const body = Buffer.allocUnsafe(sizeBytes);
  let position = json.copy(body);
  for (const input of inputs) position = writeBinary(input, body, position);
  return body;
}
