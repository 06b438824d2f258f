import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { BinaryPart } from './binary-data';
import type { BinaryInput } from './request-input';
import type { V2Call, V2Model } from './v2-call';

/** A longer one is not worth its memory. */
const MOST_BYTES = 4096;

/**
 * The JSON part of a request whose inputs are all binary says the same in each request of a client, however its data
 * differs. So the last one of each model is kept, with what was read from it.
 */
class KnownHead {
  private readonly bytes: Buffer;

  constructor(
    body: Buffer,
    length: number,
    private readonly outputs: readonly TensorSpec[],
    private readonly binaryInputs: readonly BinaryInput[],
    private readonly call: V2Call,
  ) {
    this.bytes = Buffer.from(body.subarray(0, length));
  }

  begins(body: Buffer, length: number, model: V2Model): boolean {
    const { bytes } = this;
    return (
      length === bytes.length &&
      model.outputs === this.outputs &&
      body.compare(bytes, 0, length, 0, length) === 0
    );
  }

  /** @throws what `BinaryPart` throws */
  callWith(body: Buffer): V2Call {
    const binary = new BinaryPart(body, this.bytes.length);
    const inputs = new Array<Tensor>(this.binaryInputs.length);
    for (const { index, spec, shape, count, sizeBytes } of this.binaryInputs) {
      const data = binary.take(spec, shape, count, sizeBytes);
      inputs[index] = { name: spec.name, datatype: spec.datatype, shape, data };
    }
    binary.expectEnd();
    return { ...this.call, inputs };
  }
}

const heads = new WeakMap<readonly TensorSpec[], KnownHead>();

/** The request, if it begins as the model's last one did; undefined when it has to be read. */
export function knownCall(body: Buffer, headerLength: number, model: V2Model): V2Call | undefined {
  const head = heads.get(model.inputs);
  return head?.begins(body, headerLength, model) ? head.callWith(body) : undefined;
}

/** Keeps what was read, where the next request may well say the same: one with an id will not. */
export function keepHead(
  body: Buffer,
  headerLength: number,
  model: V2Model,
  binaryInputs: readonly BinaryInput[],
  call: V2Call,
): void {
  if (headerLength > MOST_BYTES || call.id !== undefined || binaryInputs.length < model.inputs.length) return;
  const { id, outputs, binaryOutputs, classes, priority, timeoutMs } = call;
  const kept = { id, inputs: [], outputs, binaryOutputs, classes, priority, timeoutMs };
  heads.set(model.inputs, new KnownHead(body, headerLength, model.outputs, binaryInputs, kept));
}
