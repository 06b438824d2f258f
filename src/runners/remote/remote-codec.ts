import { DomainError } from '../../errors/domain-error';
import type { Tensor } from '../../tensors/tensor';
import type { RemoteAnswer } from './answer-body';
import { parseAnswerPath } from './template/answer-path';
import type { RemoteModelConfig } from './remote-config';
import { decodeTemplate, type MappedOutput } from './template/template-answer';
import { compileTemplate, renderTemplate } from './template/template-request';
import { decodeV2 } from './v2/v2-answer';
import type { Signature } from './v2/v2-metadata';
import { type EncodedRequest, encodeV2 } from './v2/v2-request';

/** Tensors to the bytes of a call, and the bytes of its answer to tensors. */
export interface RemoteCodec {
  /** Reads the inputs at once; they may be reused when it has returned. */
  encode(inputs: readonly Tensor[], requestId: string | undefined): EncodedRequest;
  /** @throws DomainError for an answer that is not what it should be */
  decode(answer: RemoteAnswer): Tensor[];
}

export function v2Codec({ outputs }: Signature, binary: boolean): RemoteCodec {
  return {
    encode: (inputs, requestId) => encodeV2(inputs, outputs, binary, requestId),
    decode: (answer) => decodeV2(answer, outputs),
  };
}

/** @throws DomainError `model_unavailable` with what is wrong with the template */
export function templateCodec(
  { inputs, outputs }: Signature,
  { request, response }: Pick<RemoteModelConfig, 'request' | 'response'>,
): RemoteCodec {
  const faults: string[] = [];
  const template = compileTemplate(request ?? null, inputs, faults);
  const mapped: MappedOutput[] = [];
  for (const spec of outputs) {
    const path = parseAnswerPath(response?.[spec.name] ?? '');
    if (path === undefined) faults.push(`its response has no path for the output "${spec.name}"`);
    else mapped.push({ spec, path });
  }
  if (faults.length > 0) {
    throw new DomainError('model_unavailable', `its template has faults: ${faults.join('; ')}`, {
      details: faults,
    });
  }
  const headers = { 'content-type': 'application/json' };
  return {
    encode: (tensors) => ({ headers, body: renderTemplate(template, tensors) }),
    decode: ({ body }) => decodeTemplate(body, mapped),
  };
}
