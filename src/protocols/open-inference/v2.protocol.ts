import { join } from 'node:path';
import { DomainError } from '../../errors/domain-error';
import type { ErrorBody } from '../../http/errors/error-body';
import type { Exchange } from '../../http/exchange';
import { requireAcceptable, requireContentType } from '../../http/headers/content-negotiation';
import type { EncodedAnswer } from '../../http/body/content-encoding';
import { cacheUseOf } from '../http-call/call-headers';
import type { HttpCallCodec, HttpCalls } from '../http-call/http-call';
import type { InferenceResult } from '../../inference/inference-call';
import type { LoadedModel } from '../../models/loading/loaded-model';
import {
  asBuffer,
  jsonBytesOf,
  offloadable,
  refuseLargeJson,
  whenDone,
  type Worksite,
} from '../http-call/json-thread';
import { anyTruncated, withoutFacts } from '../../processing/input-facts';
import { rawRequest } from '../../processing/model-processing';
import type { Tensor } from '../../tensors/tensor';
import type { BestClasses } from './classification';
import { declarationOf } from './declared-inputs';
import { encodeV2, type V2Answer } from './response';
import type { V2Body, V2Call } from './v2-call';
import { decodeV2 } from './v2.codec';
import { constantAnswer, type Route, type RouteAnswer } from '../../http/route-table';

/** Where every path of the protocol begins. */
export const V2_PREFIX = '/v2';
/** Length of a body's JSON part, before its binary tensors. */
const HEADER_LENGTH = 'inference-header-content-length';

const DECODE = offloadable(join(__dirname, 'v2.codec'), decodeV2, { consumes: true });
const ENCODE = offloadable(join(__dirname, 'response'), encodeV2, { consumes: false });

/** How a body that states a priority says so, in its parameters. */
const PRIORITY_KEY = '"priority"';

const MEDIA_TYPES = ['application/json', 'application/octet-stream'];
const JSON_HEADERS = ['content-type', 'application/json'];

/** The protocol's only form of an error. */
export const v2ErrorBody: ErrorBody = ({ message }) => ({ error: message });

/** The protocol's inference call. What a body is its length header says, whatever its content type. */
export const v2Protocol: HttpCallCodec<V2Call> = {
  protocol: 'v2',

  check(exchange: Exchange): void {
    requireContentType(exchange.req, MEDIA_TYPES);
    requireAcceptable(exchange.req, MEDIA_TYPES);
    headerLengthOf(exchange);
  },

  cacheUse: cacheUseOf,

  mayBeUrgent(exchange: Exchange, body: Buffer): boolean {
    return body.subarray(0, headerLengthOf(exchange)).includes(PRIORITY_KEY);
  },

  decode(exchange: Exchange, body: Buffer, model: LoadedModel, work: Worksite): V2Call | Promise<V2Call> {
    const headerLength = headerLengthOf(exchange);
    const { inputs, outputs, config, processing } = model;
    const declared = processing && declarationOf(processing);
    // Text is made into strings also where it comes in binary.
    const hasText =
      inputs.some(({ datatype }) => datatype === 'BYTES') ||
      declared?.inputs.some(({ media }) => media !== 'image') === true;
    const sizeBytes = hasText ? body.length : (headerLength ?? body.length);
    const decoded = work.run(DECODE, sizeBytes, [
      body,
      headerLength,
      { inputs, outputs, maxTexts: config.maxTextElements, declared },
    ]);
    return whenDone(decoded, callOf);
  },

  encode(
    _exchange: Exchange,
    call: V2Call,
    model: LoadedModel,
    result: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer> {
    const { id, binaryOutputs, classes } = call;
    const outputs = answeredOutputs(call, result.outputs);
    const best = classes?.map((count, i): BestClasses | undefined => {
      const spec = model.outputs.find(({ name }) => name === outputs[i]!.name);
      if (count === undefined) return undefined;
      return { count, byRows: spec?.shape[0] === -1, labels: spec?.labels };
    });
    const inJson = outputs.filter((_, i) => binaryOutputs[i] !== true && best?.[i] === undefined);
    const sorted = outputs.filter((_, i) => best?.[i] !== undefined);
    const truncated = call.raw !== undefined && anyTruncated(result.outputs);
    const { name, version } = model;
    const answer: V2Answer = { model: name, version, id, outputs, binaryOutputs, best, truncated };
    const jsonBytes = jsonBytesOf(inJson, false);
    refuseLargeJson(inJson, jsonBytes, work);
    // Of what its best classes stand for little is printed, but all of it is looked through, in whichever form.
    const workBytes = jsonBytes + jsonBytesOf(sorted, false);
    return whenDone(work.run(ENCODE, workBytes, [answer]), ({ body, headerLength }) => {
      const bytes = body.map(asBuffer);
      if (headerLength === undefined) return { headers: JSON_HEADERS, body: bytes };
      const headers = ['content-type', 'application/octet-stream', HEADER_LENGTH, String(headerLength)];
      return { headers, body: bytes };
    });
  },
};

function callOf({ declared, ...call }: V2Body): V2Call {
  if (declared === undefined) return call;
  const { inputs, options, wantsTensors } = declared;
  // All outputs are asked of the cache, as the other protocols do, and those that are wanted taken out of them.
  return {
    ...call,
    raw: rawRequest(inputs, options, wantsTensors),
    outputs: undefined,
    selected: call.outputs,
  };
}

function answeredOutputs({ raw, selected }: V2Call, outputs: readonly Tensor[]): readonly Tensor[] {
  if (raw === undefined) return outputs;
  return selected === undefined
    ? withoutFacts(outputs, raw.inputs)
    : selected.map((name) => outputs.find((output) => output.name === name)!);
}

/** @throws invalid_request for anything but a whole number in digits */
function headerLengthOf(exchange: Exchange): number | undefined {
  const text = exchange.header(HEADER_LENGTH);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DomainError(
    'invalid_request',
    `Header Inference-Header-Content-Length: expected a length in bytes, got "${text.slice(0, 40)}".`,
  );
}

/** The protocol's calls. */
export function v2Routes(calls: HttpCalls): readonly Route[] {
  const infer: RouteAnswer = (exchange, target) => calls.handle(exchange, target, v2Protocol);
  return [
    ...['{model}', '{model}/versions/{version}'].flatMap((of): Route[] => [
      { method: 'POST', pattern: `${V2_PREFIX}/models/${of}/infer`, scope: 'infer', answer: infer },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/ready`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/config`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/stats`, scope: 'metrics:read' },
    ]),
    { method: 'GET', pattern: `${V2_PREFIX}/models/stats`, scope: 'metrics:read' },
    { method: 'GET', pattern: `${V2_PREFIX}/models`, scope: 'models:read' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/index`, scope: 'models:read' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/models/{model}/load`, scope: 'models:write' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/models/{model}/unload`, scope: 'models:write' },
    { method: 'GET', pattern: V2_PREFIX, scope: 'open' },
    { method: 'GET', pattern: `${V2_PREFIX}/health/ready`, scope: 'open' },
    {
      method: 'GET',
      pattern: `${V2_PREFIX}/health/live`,
      scope: 'open',
      answer: constantAnswer({ live: true }),
    },
  ];
}
