import { join } from 'node:path';
import {
  booleanParameter,
  requireAcceptable,
  requireContentType,
} from '../../http/headers/content-negotiation';
import type { Exchange } from '../../http/exchange';
import { queryOf } from '../../http/request-target';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { DEFAULT_PRIORITY_LEVEL } from '../../scheduling/priority';
import type { EncodedAnswer } from '../../http/body/content-encoding';
import type { CallTarget, DecodedCall, HttpCallCodec } from '../http-call/http-call';
import type { InferenceResult } from '../../inference/inference.service';
import { asBuffer, jsonBytesOf, offloadable, whenDone, type Worksite } from '../http-call/offloadable';
import { decodeNative, encodeNative, type NativeAnswer } from './native.codec';
import { priorityOf } from '../../http/headers/priority';

const CODEC = join(__dirname, 'native.codec');
const DECODE = offloadable(CODEC, decodeNative, { consumes: true });
const ENCODE = offloadable(CODEC, encodeNative, { consumes: false });

const JSON_TYPES = ['application/json'];
const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8'];

/** The native API's inference call: `{"<input>": values}` in, `{"result": {...}}` out. */
export const nativeProtocol: HttpCallCodec<DecodedCall> = {
  protocol: 'native',

  check({ req }: Exchange): void {
    requireContentType(req, JSON_TYPES);
    requireAcceptable(req, JSON_TYPES);
    useCacheOf(req.url);
  },

  mayBeUrgent({ req }: Exchange): boolean {
    return priorityOf(req) < DEFAULT_PRIORITY_LEVEL;
  },

  decode(
    { req }: Exchange,
    body: Buffer,
    model: LoadedModel,
    work: Worksite,
  ): DecodedCall | Promise<DecodedCall> {
    const decoded = work(DECODE, body.length, [body, model.inputs]);
    return whenDone(decoded, (inputs) => ({
      inputs,
      priority: priorityOf(req),
      useCache: useCacheOf(req.url),
    }));
  },

  encode(
    exchange: Exchange,
    _call: DecodedCall,
    model: LoadedModel,
    { outputs, cache }: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer> {
    const answer: NativeAnswer = {
      outputs,
      cached: cache === 'HIT',
      // To the microsecond: more digits would be noise.
      processingSeconds: Math.round((performance.now() - exchange.startedAt) * 1000) / 1e6,
      model: model.name,
      version: model.version,
    };
    const encoded = work(ENCODE, jsonBytesOf(outputs), [answer]);
    return whenDone(encoded, (body) => ({ headers: JSON_HEADERS, body: [asBuffer(body)] }));
  },
};

/** What a native call is about: its path names the model, its query may name the version. */
export function nativeTarget(model: string, url: string | undefined): CallTarget {
  const version = url?.includes('?') ? queryOf(url).get('version') : null;
  return { model, version: version ?? undefined };
}

function useCacheOf(url: string | undefined): boolean {
  return url?.includes('?') ? booleanParameter(queryOf(url), 'use_cache', true) : true;
}
