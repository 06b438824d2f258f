import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { DomainError } from '../../errors/domain-error';
import {
  booleanParameter,
  contentTypeOf,
  preferredType,
  requireAcceptable,
  requireContentType,
} from '../../http/headers/content-negotiation';
import type { Exchange } from '../../http/exchange';
import { queryOf, type Route } from '../../http/route-table';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { rawRequest } from '../../processing/model-processing';
import { isOptionName, type RequestOptions } from '../../processing/options';
import type { DeclaredBody, DeclaredInputs } from '../../processing/declared-inputs';
import { DEFAULT_PRIORITY_LEVEL } from '../../scheduling/scheduled-request';
import type { EncodedAnswer } from '../../http/body/content-encoding';
import type { CacheUse } from '../../cache/prediction-cache';
import type { InferenceRequest, InferenceResult } from '../../inference/inference-call';
import { cacheUseOf, priorityOf } from '../http-call/call-headers';
import type { CallTarget, HttpCallCodec, HttpCalls } from '../http-call/http-call';
import {
  asBuffer,
  jsonBytesOf,
  offloadable,
  refuseDeepJson,
  refuseLargeJson,
  whenDone,
  type Worksite,
} from '../http-call/json-thread';
import { declaredContentTypes, queryOptions, readDeclaredBytes, readDeclaredForm } from './declared-call';
import { encodeCsv } from './csv-answer';
import { withoutFacts } from '../../processing/input-facts';
import { decodeBody, encodeNative, type NativeAnswer } from './native.codec';

const CODEC = join(__dirname, 'native.codec');
const DECODE = offloadable(CODEC, decodeBody, { consumes: true });
const ENCODE_CSV = offloadable(join(__dirname, 'csv-answer'), encodeCsv, { consumes: false });
const ENCODE = offloadable(CODEC, encodeNative, { consumes: false });

const JSON_TYPES = ['application/json'];
const ANSWER_TYPES = ['application/json', 'text/csv'] as const;
const QUERY: ReadonlySet<string> = new Set(['version', 'use_cache', 'raw']);
const CSV_HEADERS = ['content-type', 'text/csv; charset=utf-8; header=present'];
const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8'];

/** The native API's inference call: `{"<input>": values}` or a raw input in, `{"result": {...}}` out. */
export const nativeProtocol: HttpCallCodec<InferenceRequest> = {
  protocol: 'native',

  check({ req }: Exchange): void {
    requireAcceptable(req, ANSWER_TYPES);
    if (req.url?.includes('?')) checkQuery(queryOf(req.url));
    flagOf(req.url, 'use_cache', true);
    flagOf(req.url, 'raw', false);
  },

  cacheUse(exchange: Exchange): CacheUse {
    return flagOf(exchange.req.url, 'use_cache', true) ? cacheUseOf(exchange) : 'none';
  },

  mayBeUrgent(exchange: Exchange): boolean {
    return priorityOf(exchange) < DEFAULT_PRIORITY_LEVEL;
  },

  decode(
    exchange: Exchange,
    body: Buffer,
    model: LoadedModel,
    work: Worksite,
  ): InferenceRequest | Promise<InferenceRequest> {
    const { req } = exchange;
    const declared = model.processing?.declared;
    const others = declared && rawBody(req, body, declared);
    if (others !== undefined) return declaredCall(exchange, others, declared!);
    const types = declared === undefined ? [] : declaredContentTypes(declared);
    requireContentType(req, [...JSON_TYPES, ...types]);
    const named = declared === undefined || declared.inputs.length === 0 ? undefined : declared;
    const decoded = work.run(DECODE, body.length, [body, model.inputs, model.config.maxTextElements, named]);
    return whenDone(decoded, ({ tensors, declared: found }) => {
      if (found !== undefined) return declaredCall(exchange, found, declared!);
      // Where outputs alone are declared, they are what tensors are answered with.
      const isDeclared = declared?.inputs.length === 0 && !flagOf(req.url, 'raw', false);
      if (!isDeclared) refuseOptions(req);
      const raw = isDeclared ? rawRequest([], optionsOf(req, declared), false) : undefined;
      return { inputs: tensors, raw, priority: priorityOf(exchange) };
    });
  },

  encode(
    exchange: Exchange,
    { raw }: InferenceRequest,
    model: LoadedModel,
    { outputs, cache }: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer> {
    if (preferredType(exchange.req, ANSWER_TYPES) === 'text/csv') {
      const isTold = raw === undefined || raw.wantsTensors;
      const table = isTold ? outputs : withoutFacts(outputs, raw.inputs);
      const csv = work.run(ENCODE_CSV, jsonBytesOf(outputs, false), [table]);
      return whenDone(csv, (body) => ({ headers: CSV_HEADERS, body: [asBuffer(body)] }));
    }
    const answer: NativeAnswer = {
      outputs,
      declared: raw && model.processing?.answerForm(raw),
      cached: cache === 'HIT',
      // To the microsecond: more digits would be noise.
      processingSeconds: Math.round((performance.now() - exchange.startedAt) * 1000) / 1e6,
      model: model.name,
      version: model.version,
    };
    // What is declared of an output is shorter than the output.
    const jsonBytes = jsonBytesOf(outputs, true);
    refuseDeepJson(outputs);
    if (answer.declared === undefined) refuseLargeJson(outputs, jsonBytes, work);
    const encoded = work.run(ENCODE, jsonBytes, [answer]);
    return whenDone(encoded, (body) => ({ headers: JSON_HEADERS, body: [asBuffer(body)] }));
  },
};

/** A body that is no JSON: one raw input, or a form of them. */
function rawBody(req: IncomingMessage, body: Buffer, declared: DeclaredInputs): DeclaredBody | undefined {
  const header = req.headers['content-type'];
  const contentType = contentTypeOf(req);
  if (header === undefined || contentType === 'application/json') return undefined;
  return contentType === 'multipart/form-data' && declared.inputs.length > 0
    ? readDeclaredForm(body, header, declared)
    : readDeclaredBytes(body, header, declared);
}

function declaredCall(exchange: Exchange, body: DeclaredBody, declared: DeclaredInputs): InferenceRequest {
  const { req } = exchange;
  const options = { ...optionsOf(req, declared), ...body.options };
  return {
    inputs: [],
    raw: rawRequest(body.inputs, options, flagOf(req.url, 'raw', false)),
    priority: priorityOf(exchange),
  };
}

function optionsOf({ url }: IncomingMessage, declared: DeclaredInputs): RequestOptions {
  return url?.includes('?') ? queryOptions(queryOf(url), declared) : {};
}

/** A name that nothing knows is a slip of the pen, and an answer without what it meant would be a wrong one. */
function checkQuery(query: URLSearchParams): void {
  const seen = new Set<string>();
  for (const name of query.keys()) {
    if (!QUERY.has(name) && !isOptionName(name)) {
      throw new DomainError(
        'invalid_request',
        `Query parameter "${name.slice(0, 40)}": there is none of that name; there are ${[...QUERY].join(', ')}, and the options of models.`,
      );
    }
    if (seen.has(name))
      throw new DomainError('invalid_request', `Query parameter "${name}": is given twice.`);
    seen.add(name);
  }
}

function refuseOptions({ url }: IncomingMessage): void {
  const name = url?.includes('?') ? [...queryOf(url).keys()].find(isOptionName) : undefined;
  if (name === undefined) return;
  throw new DomainError(
    'invalid_request',
    `Query parameter "${name}": is for what a model declares, and here tensors are answered with tensors.`,
  );
}

/** What a native call is about: its path names the model, its query may name the version. */
export function nativeTarget(model: string, url: string | undefined): CallTarget {
  const version = url?.includes('?') ? queryOf(url).get('version') : null;
  return { model, version: version ?? undefined };
}

function flagOf(url: string | undefined, name: 'use_cache' | 'raw', fallback: boolean): boolean {
  return url?.includes('?') ? booleanParameter(queryOf(url), name, fallback) : fallback;
}

/** The native API's calls about models. */
export function nativeRoutes(apiPrefix: string, calls: HttpCalls): readonly Route[] {
  const pattern = `${apiPrefix}/inference/{model}`;
  return [
    {
      method: 'POST',
      pattern,
      scope: 'infer',
      answer: (exchange, { model }) =>
        calls.handle(exchange, nativeTarget(model, exchange.req.url), nativeProtocol),
    },
    { method: 'GET', pattern, scope: 'models:read' },
    { method: 'GET', pattern: `${pattern}/example`, scope: 'models:read' },
    { method: 'GET', pattern: `${apiPrefix}/inference/models`, scope: 'models:read' },
  ];
}
