import type { RunTrace } from './run-trace';
import type { Span } from './span';
import { newSpanId } from './trace-context';
import type { CallTrace, TraceRecord } from './trace-record';

/** How a request ended. */
export interface RequestEnd {
  readonly method: string;
  readonly status: number;
  readonly startMs: number;
  /** How long its body took to come; undefined: it did not. */
  readonly readMs: number | undefined;
  readonly endMs: number;
  /** Of the error that it was answered with. */
  readonly code: string | undefined;
}

/** A span while it is made. */
type Draft = { -readonly [Key in keyof Span]: Span[Key] };

const SERVER_ERRORS = 500;
const CLIENT_ERRORS = 400;
const NONE: Span['attributes'] = {};
const NO_LINKS: Span['links'] = [];
const REDIS = { 'db.system.name': 'redis', 'db.operation.name': 'GET' };
const REDIS_HIT = { ...REDIS, 'nestor.cache.hit': 'true' };
const REDIS_MISS = { ...REDIS, 'nestor.cache.hit': 'false' };

/** The spans of a request that is over: its own, and those of its stages as far as it came. */
export function requestSpans(record: TraceRecord, end: RequestEnd): Span[] {
  const failure = end.status >= CLIENT_ERRORS ? (end.code ?? String(end.status)) : undefined;
  const spans: Span[] = [serverSpan(record, end)];
  const child = (name: string, startMs: number, endMs: number | undefined): Draft => {
    const span: Draft = {
      traceId: record.traceId,
      spanId: newSpanId(),
      name,
      kind: 'internal',
      parentId: record.spanId,
      startMs,
      endMs: endMs ?? end.endMs,
      // What did not come to its end is where the request failed.
      error: endMs === undefined ? failure : undefined,
      attributes: NONE,
      links: NO_LINKS,
    };
    spans.push(span);
    return span;
  };
  const { decode, lookup, runs, calls, declared, encodeMs } = record;
  if (end.readMs !== undefined) child('read', end.startMs, end.startMs + end.readMs);
  if (decode !== undefined) child('decode', decode.startMs, decode.endMs);
  if (lookup !== undefined) {
    const span = child('cache get', lookup.startMs, lookup.endMs);
    span.kind = 'client';
    span.attributes = lookup.hit ? REDIS_HIT : REDIS_MISS;
  }
  if (declared !== undefined) {
    const { prepared, ran } = aroundRuns(runs);
    // Tensors that came as such needed none of it.
    if (prepared === undefined || prepared > declared.startMs) child('prepare', declared.startMs, prepared);
    if (ran !== undefined && ran < (declared.endMs ?? end.endMs)) child('finish', ran, declared.endMs);
  }
  for (const run of runs) {
    child('queue', run.enqueuedMs, run.startMs);
    if (run.startMs !== undefined) describeRun(child('run', run.startMs, run.endMs), run);
  }
  for (const call of calls) describeCall(child('remote', call.startMs, call.endMs), call);
  if (encodeMs !== undefined) child('encode', encodeMs, failure === undefined ? end.endMs : undefined);
  return spans;
}

function serverSpan(record: TraceRecord, { method, status, startMs, endMs, code }: RequestEnd): Span {
  const { traceId, spanId, parentId, route, model, rows, cache } = record;
  const batchRows = record.runs[0]?.rows ?? 0;
  const attributes: Record<string, string | number> = {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
  };
  if (model !== undefined) Object.assign(attributes, record.modelAttributes);
  if (rows !== undefined) attributes['nestor.rows'] = rows;
  if (batchRows > 0) attributes['nestor.batch.rows'] = batchRows;
  if (cache !== undefined) attributes['nestor.cache'] = cache;
  return {
    traceId,
    spanId,
    name: `${method} ${route}`,
    kind: 'server',
    parentId,
    startMs,
    endMs,
    // A client's mistake is no failure of the server. https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    error: status >= SERVER_ERRORS ? (code ?? String(status)) : undefined,
    attributes,
    links: NO_LINKS,
  };
}

/** When the first run of a request was asked for, and when the last one ended. */
function aroundRuns(runs: readonly RunTrace[]): { prepared: number | undefined; ran: number | undefined } {
  let prepared: number | undefined;
  let ran: number | undefined;
  for (const { enqueuedMs, endMs } of runs) {
    prepared = Math.min(prepared ?? Infinity, enqueuedMs);
    if (endMs !== undefined) ran = Math.max(ran ?? -Infinity, endMs);
  }
  return { prepared, ran };
}

function describeRun(span: Draft, { spanId, rows, requests, endMs, error, batch }: RunTrace): void {
  span.spanId = spanId;
  span.attributes = { 'nestor.batch.rows': rows, 'nestor.batch.requests': requests };
  if (endMs !== undefined) span.error = error;
  if (batch !== undefined) span.links = [batch];
}

function describeCall(span: Draft, { spanId, parentId, remote, endMs, error }: CallTrace): void {
  const { hostname, port, protocol } = remote;
  const ownPort = protocol === 'https:' ? 443 : 80;
  span.kind = 'client';
  span.spanId = spanId;
  span.parentId = parentId;
  span.attributes = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': port === '' ? ownPort : Number(port),
  };
  if (endMs !== undefined) span.error = error;
}
