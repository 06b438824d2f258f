/** One span of one trace, by their ids in lower-case hex. */
export interface SpanPlace {
  readonly traceId: string;
  readonly spanId: string;
}

/** The span of the caller that a request belongs to. */
export interface TraceParent extends SpanPlace {
  readonly sampled: boolean;
}

/** The headers of a trace as they came. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** https://www.w3.org/TR/trace-context/: version, trace, span and flags; ids of zeros alone and version ff are none. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})$/;
const TRACEPARENT_LENGTH = 55;
const SAMPLED = 1;
/** What is longer need not be passed on. */
const MAX_TRACESTATE = 512;
const TRACESTATE = /^[\t\x20-\x7e]+$/;

/** What `traceparent` says; undefined for anything but its exact form, as if it had not been sent. */
export function parseTraceparent(text: string): TraceParent | undefined {
  if (text.length !== TRACEPARENT_LENGTH) return undefined;
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** What of `tracestate` is passed on; it says nothing without a `traceparent`. */
export function saneTracestate(text: string | string[] | undefined): string | undefined {
  return typeof text === 'string' && text.length <= MAX_TRACESTATE && TRACESTATE.test(text)
    ? text
    : undefined;
}

/** The `traceparent` that makes whoever gets it a child of a sampled span. */
export function printTraceparent({ traceId, spanId }: SpanPlace): string {
  return `00-${traceId}-${spanId}-01`;
}

export function newTraceId(): string {
  return hex32(1) + hex32(0) + hex32(0) + hex32(0);
}

export function newSpanId(): string {
  return hex32(1) + hex32(0);
}

/** Eight digits at random: an id has to be unlikely to come twice, and is no secret. @param least 1 where zero is no id */
function hex32(least: number): string {
  const value = least + Math.floor(Math.random() * (2 ** 32 - least));
  return value.toString(16).padStart(8, '0');
}
