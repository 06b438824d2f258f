import { DomainError } from '../../errors/domain-error';
import { readOptions } from '../../processing/options';
import { wantsDeclared } from './declared-inputs';
import { keepHead, knownCall } from './known-head';
import { readRawRequest } from './raw-request';
import { readRequest } from './request';
import { binaryForms } from './request-outputs';
import type { V2Body, V2Model } from './v2-call';

/**
 * Reads the body of an inference request. Binary tensors are views of `body` where they are aligned, so it
 * must stay as it is until they have been read.
 * @param headerLength what `Inference-Header-Content-Length` says, the length in bytes of the JSON part: 0
 *   for a body that is one tensor, undefined without the header, when all of the body is JSON
 * @throws DomainError with a code of the kind "what the client sent"
 */
export function decodeV2(body: Buffer, headerLength: number | undefined, model: V2Model): V2Body {
  if (headerLength === 0) {
    return {
      id: undefined,
      inputs: readRawRequest(body, model.inputs),
      outputs: undefined,
      binaryOutputs: binaryForms(undefined, model.outputs, true),
      classes: undefined,
      priority: 0,
      timeoutMs: undefined,
    };
  }
  if (headerLength !== undefined && headerLength > body.length) {
    throw new DomainError(
      'body_truncated',
      `Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes.`,
    );
  }
  const known = headerLength === undefined ? undefined : knownCall(body, headerLength, model);
  if (known !== undefined) return known;
  const { id, inputs, binaryInputs, outputs, parameters } = readRequest(body, headerLength, model);
  const names = outputs?.map(({ spec }) => spec.name);
  const answersDeclared = wantsDeclared(names, inputs.raw !== undefined, model);
  const specs = answersDeclared ? model.declared!.outputs : model.outputs;
  const call = {
    id,
    inputs: inputs.tensors ?? [],
    outputs: names,
    binaryOutputs: binaryForms(outputs, specs, parameters.binaryOutput ?? false),
    classes: outputs?.some(({ classes }) => classes !== undefined)
      ? outputs.map(({ classes }) => classes)
      : undefined,
    priority: parameters.priority,
    timeoutMs: parameters.timeoutMs,
  };
  if (inputs.raw !== undefined || answersDeclared) {
    const options = readOptions(parameters.options ?? {}, model.declared!.options);
    return { ...call, declared: { inputs: inputs.raw ?? [], options, wantsTensors: !answersDeclared } };
  }
  if (headerLength !== undefined) keepHead(body, headerLength, model, binaryInputs, call);
  return call;
}
