import { DomainError } from '../errors/domain-error';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { readRawRequest } from './raw-request';
import { readRequest } from './request';
import { binaryForms } from './request-outputs';

/** One inference request of the Open Inference Protocol, its tensors in the model's order. */
export interface V2Call {
  /** Echoed in the response. */
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs wanted, in the order of the answer; undefined for all of the model's. */
  readonly outputs: readonly string[] | undefined;
  /** For each output of the answer: in binary? */
  readonly binaryOutputs: readonly boolean[];
  /** 1 is the most urgent, 0 the default. */
  readonly priority: number;
  readonly timeoutMs: number | undefined;
  readonly useCache: boolean;
}

/** What the codec needs to know of a model. */
export interface V2Model {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/**
 * Reads the body of an inference request. Binary tensors are views of `body` where they are aligned, so it
 * must stay as it is until they have been read.
 * @param headerLength what `Inference-Header-Content-Length` says, the length in bytes of the JSON part: 0
 *   for a body that is one tensor, undefined without the header, when all of the body is JSON
 * @throws DomainError with a code of the kind "what the client sent"
 */
export function decodeV2(body: Buffer, headerLength: number | undefined, model: V2Model): V2Call {
  if (headerLength === 0) {
    return {
      id: undefined,
      inputs: readRawRequest(body, model.inputs),
      outputs: undefined,
      binaryOutputs: binaryForms(undefined, model.outputs, true),
      priority: 0,
      timeoutMs: undefined,
      useCache: true,
    };
  }
  if (headerLength !== undefined && headerLength > body.length) {
    throw new DomainError(
      'body_truncated',
      `Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes.`,
    );
  }
  const { id, inputs, outputs, parameters } = readRequest(body, headerLength, model);
  return {
    id,
    inputs,
    outputs: outputs?.map(({ spec }) => spec.name),
    binaryOutputs: binaryForms(outputs, model.outputs, parameters.binaryOutput ?? false),
    priority: parameters.priority,
    timeoutMs: parameters.timeoutMs,
    useCache: true,
  };
}
