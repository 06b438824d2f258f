import type { IncomingHttpHeaders } from 'node:http';
import { type RequestEnd, requestSpans } from './request-spans';
import type { Sampler } from './sampler';
import type { SpanQueue } from './span-queue';
import { parseTraceparent, saneTracestate } from './trace-context';
import { type RequestTrace, TraceRecord } from './trace-record';

/** What it takes to make traces. */
export interface Tracer {
  readonly sampler: Sampler;
  readonly spans: SpanQueue;
}

/** The traces of this process's requests. */
export class Tracing {
  /** @param tracer undefined: none are made, and what requests bring is passed on */
  constructor(
    private readonly tracer: Tracer | undefined,
    private readonly closeTimeoutMs: number,
  ) {}

  /**
   * Decides about a request, before anything else is done for it.
   * @param route the pattern of the call's path
   * @returns undefined for one that brings no trace and is not sampled
   */
  begin(headers: IncomingHttpHeaders, route: string): RequestTrace | undefined {
    const { tracer } = this;
    const traceparent = headers['traceparent'];
    if (traceparent === undefined && tracer === undefined) return undefined;
    const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
    const record =
      tracer?.sampler.samples(parent) === true ? new TraceRecord(parent, route, tracer.spans) : undefined;
    if (parent === undefined) return record && { incoming: undefined, record };
    const incoming = {
      traceparent: traceparent as string,
      tracestate: saneTracestate(headers['tracestate']),
    };
    return { incoming, record };
  }

  /** A sampled request is over: its spans are made. */
  finished(record: TraceRecord, end: RequestEnd): void {
    for (const span of requestSpans(record, end)) this.tracer?.spans.add(span);
  }

  /** Exports what waits yet. Nest calls it when the requests are over. */
  async onApplicationShutdown(): Promise<void> {
    await this.tracer?.spans.close(this.closeTimeoutMs);
  }
}
