import { NestorError } from './nestor-error.js';
import { type Datatype, Tensor } from './tensor.js';

/**
 * The binary form of the Open Inference Protocol: JSON, then the bytes of the tensors in its order.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
 */
export const JSON_LENGTH_HEADER = 'inference-header-content-length';

interface Head {
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly {
    readonly name: string;
    readonly datatype: Datatype;
    readonly shape: readonly number[];
    readonly parameters?: { readonly binary_data_size?: number };
    readonly data?: unknown;
  }[];
}

/** A request body, and how many of its bytes are JSON. */
export function encodeBinary(
  inputs: readonly (readonly [name: string, tensor: Tensor])[],
  outputs: readonly string[] | undefined,
): { body: Uint8Array<ArrayBuffer>; jsonLength: number } {
  const parts = inputs.map(([, tensor]) => tensor.toBytes());
  const head = {
    inputs: inputs.map(([name, { datatype, shape }], i) => ({
      name,
      datatype,
      shape,
      parameters: { binary_data_size: parts[i]!.length },
    })),
    parameters: { binary_data_output: true },
    ...(outputs && { outputs: outputs.map((name) => ({ name })) }),
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, json.length));
  body.set(json);
  let at = json.length;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return { body, jsonLength: json.length };
}

/** @throws NestorError `bad_answer` for an answer that is not in the binary form */
export function decodeBinary(
  bytes: Uint8Array<ArrayBuffer>,
  jsonLength: number,
): { head: Head; outputs: Record<string, Tensor> } {
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, jsonLength))) as Head;
  const outputs: Record<string, Tensor> = {};
  let at = jsonLength;
  for (const { name, shape, datatype, parameters } of head.outputs) {
    const size = parameters?.binary_data_size;
    if (size === undefined)
      throw new NestorError(`Output "${name}" came without binary data.`, 200, 'bad_answer');
    outputs[name] = Tensor.fromBytes(bytes.subarray(at, at + size), shape, datatype);
    at += size;
  }
  return { head, outputs };
}
