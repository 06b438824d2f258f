import type { CacheOutcome } from '../metrics/outcome';
import { RunTrace } from './run-trace';
import type { Span, SpanSink } from './span';
import { newSpanId, newTraceId, printTraceparent, type SpanPlace, type TraceHeaders } from './trace-context';

/** A stretch of a request's time; without an end it lasted as long as the request. */
export interface Stretch {
  readonly startMs: number;
  endMs: number | undefined;
}

/** One question to Redis. */
export class LookupTrace implements Stretch {
  endMs: number | undefined = undefined;
  hit = false;

  constructor(readonly startMs: number) {}

  end(nowMs: number, hit: boolean): void {
    this.endMs = nowMs;
    this.hit = hit;
  }
}

/** One attempt of a call to a remote. */
export class CallTrace implements Stretch {
  readonly spanId = newSpanId();
  endMs: number | undefined = undefined;
  error: string | undefined = undefined;

  /** @param parentId the run that it is for */
  constructor(
    readonly remote: URL,
    readonly parentId: string,
    readonly startMs: number,
  ) {}

  /** @param error how it ended, where that was badly */
  end(nowMs: number, error?: string): void {
    this.endMs = nowMs;
    this.error = error;
  }
}

/**
 * What is remembered of a sampled request. Whoever takes its times anyway notes them here; spans are made of them when
 * it is over, so that nothing on its way waits for them. Times are of `performance.now()`.
 */
export class TraceRecord implements SpanPlace {
  readonly traceId: string;
  readonly spanId = newSpanId();
  readonly parentId: string | undefined;
  model: { readonly name: string; readonly version: string } | undefined = undefined;
  rows: number | undefined = undefined;
  cache: CacheOutcome | undefined = undefined;
  decode: Stretch | undefined = undefined;
  /** When its answer was begun to be written, which it ends with. */
  encodeMs: number | undefined = undefined;
  /** From declared inputs to declared outputs, its runs among it. */
  declared: Stretch | undefined = undefined;
  lookup: LookupTrace | undefined = undefined;
  readonly runs: RunTrace[] = [];
  readonly calls: CallTrace[] = [];

  /**
   * @param parent the caller's span
   * @param route the pattern of the call's path
   */
  constructor(
    parent: SpanPlace | undefined,
    readonly route: string,
    private readonly sink: SpanSink,
  ) {
    this.traceId = parent?.traceId ?? newTraceId();
    this.parentId = parent?.spanId;
  }

  accepted(model: { readonly name: string; readonly version: string }): void {
    this.model = model;
  }

  decoding(nowMs: number): void {
    this.decode = { startMs: nowMs, endMs: undefined };
  }

  decoded(nowMs: number, rows: number): void {
    if (this.decode !== undefined) this.decode.endMs = nowMs;
    this.rows = rows;
  }

  encoding(nowMs: number, cache: CacheOutcome): void {
    this.encodeMs = nowMs;
    this.cache = cache;
  }

  processing(nowMs: number): void {
    this.declared = { startMs: nowMs, endMs: undefined };
  }

  processed(nowMs: number): void {
    if (this.declared !== undefined) this.declared.endMs = nowMs;
  }

  lookingUp(nowMs: number): LookupTrace {
    return (this.lookup = new LookupTrace(nowMs));
  }

  /** It waits for a run from now on. */
  queued(nowMs: number): RunTrace {
    const run = new RunTrace(this, nowMs);
    this.runs.push(run);
    return run;
  }

  get modelAttributes(): Readonly<Record<string, string>> {
    const { model } = this;
    return model === undefined
      ? {}
      : { 'nestor.model.name': model.name, 'nestor.model.version': model.version };
  }

  /** A span that others share with this request is over. */
  add(span: Span): void {
    this.sink.add(span);
  }
}

/** What a request brings of a trace, and what is remembered for it. */
export interface RequestTrace {
  /** Undefined: it brought none, or none that makes sense. */
  readonly incoming: TraceHeaders | undefined;
  /** Undefined: it is not sampled. */
  readonly record: TraceRecord | undefined;
}

/** What a run has to say to another server of the traces of its requests: of one, as headers hold no more. */
export class OutgoingTrace {
  private constructor(
    private readonly incoming: TraceHeaders | undefined,
    private readonly record: TraceRecord | undefined,
    private readonly runId: string,
  ) {}

  /** Of the first sampled request, else of the first that brought a trace. */
  static of(
    entries: readonly {
      readonly request: { readonly trace?: RequestTrace };
      readonly traced: RunTrace | undefined;
    }[],
  ): OutgoingTrace | undefined {
    let passedOn: RequestTrace | undefined;
    for (const { request, traced } of entries) {
      const { trace } = request;
      if (trace?.record !== undefined && traced !== undefined) {
        return new OutgoingTrace(trace.incoming, trace.record, traced.spanId);
      }
      if (trace?.incoming !== undefined) passedOn ??= trace;
    }
    return passedOn && new OutgoingTrace(passedOn.incoming, undefined, '');
  }

  /** An attempt begins; undefined when no span is to tell of it. */
  begin(remote: URL, startMs: number): CallTrace | undefined {
    if (this.record === undefined) return undefined;
    const call = new CallTrace(remote, this.runId, startMs);
    this.record.calls.push(call);
    return call;
  }

  /** What an attempt sends: as it came, or below the attempt's own span. */
  headers(call: CallTrace | undefined): Record<string, string> {
    const { incoming, record } = this;
    const traceparent =
      call !== undefined && record !== undefined
        ? printTraceparent({ traceId: record.traceId, spanId: call.spanId })
        : incoming?.traceparent;
    return {
      ...(traceparent !== undefined && { traceparent }),
      ...(incoming?.tracestate !== undefined && { tracestate: incoming.tracestate }),
    };
  }
}
