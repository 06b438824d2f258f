import type { DomainError } from '../../src/errors/domain-error';
import type { V2Call, V2Model } from '../../src/protocols/open-inference/v2-call';
import { decodeV2 } from '../../src/protocols/open-inference/v2.codec';
import type { Datatype, TensorData } from '../../src/tensors/datatype';
import type { Tensor, TensorSpec } from '../../src/tensors/tensor';

export const spec = (name: string, datatype: Datatype, shape: readonly number[]): TensorSpec => ({
  name,
  datatype,
  shape,
});

/** A model with one FP32 input and one output. */
export const PLAIN: V2Model = {
  inputs: [spec('x', 'FP32', [-1, 2])],
  outputs: [spec('y', 'FP32', [-1, 3])],
};
/** A model with inputs and outputs of many kinds. */
export const MIXED: V2Model = {
  inputs: [spec('image', 'FP32', [-1, 2]), spec('flags', 'BOOL', [-1]), spec('text', 'BYTES', [-1, 1])],
  outputs: [spec('y', 'FP32', [-1]), spec('label', 'BYTES', [-1])],
};

/** An input for `PLAIN`, in JSON. */
export const X = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [1.5, -2] };

/** Decodes a request that is JSON only. */
export function decodeJson(request: unknown, model = PLAIN): V2Call {
  const { body, headerLength } = jsonBody(request);
  return decodeV2(body, headerLength, model);
}

/** What a call is refused with. */
export function refusal(run: () => unknown): DomainError {
  try {
    run();
  } catch (error) {
    return error as DomainError;
  }
  throw new Error('it was taken');
}

/** The only input of a call. */
export function only(call: V2Call): Tensor {
  const [tensor, ...rest] = call.inputs;
  if (tensor === undefined || rest.length > 0) throw new Error(`it has ${call.inputs.length} inputs`);
  return tensor;
}

/** A request's body and the length that its header gives. */
export interface V2Body {
  body: Buffer;
  headerLength: number | undefined;
}

/** The body of a request that is JSON only. */
export function jsonBody(request: unknown): V2Body {
  const body = Buffer.from(typeof request === 'string' ? request : JSON.stringify(request));
  return { body, headerLength: undefined };
}

/**
 * The body of a request whose JSON is followed by the bytes of its binary tensors.
 * @param misalign how many bytes of white space end the JSON, to move what follows
 */
export function binaryBody(request: unknown, parts: readonly Uint8Array[], misalign = 0): V2Body {
  const head = Buffer.from(JSON.stringify(request) + ' '.repeat(misalign));
  return { body: Buffer.concat([head, ...parts]), headerLength: head.length };
}

/** A tensor's bytes by the binary extension, made without the code under test. */
export function tensorBytes(data: TensorData): Buffer {
  if (!Array.isArray(data)) {
    const { buffer, byteOffset, byteLength } = data;
    return Buffer.from(Buffer.from(buffer, byteOffset, byteLength));
  }
  return Buffer.concat(
    data.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(bytes.length);
      return [length, bytes];
    }),
  );
}

/** A tensor's elements as plain JSON values; what JSON has no numbers for are strings. */
export function tensorValues({ datatype, data }: Pick<Tensor, 'data'> & { datatype: Datatype }): unknown[] {
  return Array.from<number | bigint | string, unknown>(
    data as ArrayLike<number | bigint | string>,
    (value) => {
      if (datatype === 'BOOL') return value === 1;
      if (typeof value === 'bigint') return String(value);
      if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
      // JSON.stringify would drop the sign of -0.
      return value;
    },
  );
}
