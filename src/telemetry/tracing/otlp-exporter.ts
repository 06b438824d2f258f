import type { HrTime } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { randomUUID } from 'node:crypto';
import type { TracingConfig } from '../../config/slices';
import type { Span, SpanKind } from './span';
import type { ExportSpans } from './span-queue';

type ReadableSpan = Parameters<OTLPTraceExporter['export']>[0][number];

const TRACES_PATH = '/v1/traces';
/** With its retries. */
const EXPORT_TIMEOUT_MS = 10_000;
const EXPORTED = 0;
const SAMPLED = 1;
const UNSET: ReadableSpan['status'] = { code: 0 };
const FAILED: ReadableSpan['status'] = { code: 2 };
const NO_LINKS: ReadableSpan['links'] = [];
const NO_EVENTS: ReadableSpan['events'] = [];
/** What may come in between when two clocks are read one after the other. */
const CLOCK_JITTER_MS = 2;
const KINDS: Readonly<Record<SpanKind, ReadableSpan['kind']>> = { internal: 0, server: 1, client: 2 };

/** Sends spans as OTLP over HTTP, in protobuf. This file loads the exporter: import it when spans are to be sent. */
export function otlpExporter(
  {
    endpoint,
    headers,
    resource,
  }: Pick<TracingConfig, 'headers' | 'resource'> & { readonly endpoint: string },
  version: string,
  timeoutMs = EXPORT_TIMEOUT_MS,
): ExportSpans {
  const exporter = new OTLPTraceExporter({
    url: endpoint.replace(/\/$/, '') + TRACES_PATH,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
  });
  const origin = {
    resource: resourceFromAttributes({
      'service.version': version,
      'service.instance.id': randomUUID(),
      'process.pid': process.pid,
      ...resource,
    }),
    instrumentationScope: { name: 'nestor', version },
  };
  const clock = new WallClock();
  return (spans) =>
    new Promise((resolve, reject) => {
      clock.adjust();
      exporter.export(
        spans.map((span) => readable(span, origin, clock)),
        ({ code, error }) => {
          if (Number(code) === EXPORTED) resolve();
          else reject(error ?? new Error('the collector did not take the spans'));
        },
      );
    });
}

/** From the process's clock, which never jumps, to that of the wall, which it drifts from as weeks go by. */
class WallClock {
  private originMs = performance.timeOrigin;

  adjust(): void {
    const driftMs = Date.now() - (this.originMs + performance.now());
    if (Math.abs(driftMs) > CLOCK_JITTER_MS) this.originMs += driftMs;
  }

  /** Seconds and nanoseconds since 1970. */
  at(ms: number): HrTime {
    return hrTime(this.originMs + ms);
  }
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}

/** Field by field: it is most of what a span costs. */
function readable(
  span: Span,
  { resource, instrumentationScope }: Pick<ReadableSpan, 'resource' | 'instrumentationScope'>,
  clock: WallClock,
): ReadableSpan {
  const { traceId, spanId, parentId, startMs, endMs, error, attributes, links } = span;
  const context = contextOf(traceId, spanId);
  return {
    resource,
    instrumentationScope,
    name: span.name,
    kind: KINDS[span.kind],
    spanContext: () => context,
    parentSpanContext: parentId === undefined ? undefined : contextOf(traceId, parentId),
    startTime: clock.at(startMs),
    endTime: clock.at(endMs),
    duration: hrTime(endMs - startMs),
    ended: true,
    status: error === undefined ? UNSET : FAILED,
    attributes: error === undefined ? attributes : { ...attributes, 'error.type': error },
    links:
      links.length === 0
        ? NO_LINKS
        : links.map((link) => ({ context: contextOf(link.traceId, link.spanId) })),
    events: NO_EVENTS,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function contextOf(traceId: string, spanId: string): ReturnType<ReadableSpan['spanContext']> {
  return { traceId, spanId, traceFlags: SAMPLED };
}
