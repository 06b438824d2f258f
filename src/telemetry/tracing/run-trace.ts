import type { Span, SpanSink } from './span';
import { newSpanId, newTraceId, type SpanPlace } from './trace-context';

/** More links than this help nobody. */
const MAX_LINKS = 32;

/** The request that a run is for. */
interface TracedRequest extends SpanSink {
  readonly traceId: string;
  readonly modelAttributes: Readonly<Record<string, string>>;
}

/** One run of a sampled request, from its queue on. */
export class RunTrace implements SpanPlace {
  readonly spanId = newSpanId();
  /** Undefined while it waits; and so on. */
  startMs: number | undefined = undefined;
  endMs: number | undefined = undefined;
  rows = 0;
  requests = 0;
  error: string | undefined = undefined;
  /** The span of the batch that it shares with others. */
  batch: SpanPlace | undefined = undefined;

  constructor(
    readonly request: TracedRequest,
    readonly enqueuedMs: number,
  ) {}

  get traceId(): string {
    return this.request.traceId;
  }
}

/** What may be traced of one request of a run. */
interface Member {
  readonly traced: RunTrace | undefined;
}

/** One run, as its sampled requests remember it. */
export class BatchTrace {
  private readonly members: RunTrace[] = [];
  /** Undefined for a run of one request, which shares it with nobody. */
  private readonly place: SpanPlace | undefined;

  private constructor(
    private readonly startMs: number,
    private readonly rows: number,
    private readonly requests: number,
  ) {
    this.place = requests > 1 ? { traceId: newTraceId(), spanId: newSpanId() } : undefined;
  }

  /** Of the requests of a run that starts; undefined when none of them is sampled. */
  static of(entries: readonly Member[], rows: number, startMs: number): BatchTrace | undefined {
    let batch: BatchTrace | undefined;
    for (const { traced } of entries) {
      if (traced === undefined) continue;
      batch ??= new BatchTrace(startMs, rows, entries.length);
      batch.join(traced);
    }
    return batch;
  }

  /** The run is over. @param error the code of what it failed with */
  end(endMs: number, error: string | undefined): void {
    for (const member of this.members) {
      member.endMs = endMs;
      member.error = error;
    }
    const [first] = this.members;
    if (this.place !== undefined) first?.request.add(this.span(this.place, first, endMs, error));
  }

  private join(run: RunTrace): void {
    run.startMs = this.startMs;
    run.rows = this.rows;
    run.requests = this.requests;
    run.batch = this.place;
    this.members.push(run);
  }

  private span(place: SpanPlace, first: RunTrace, endMs: number, error: string | undefined): Span {
    return {
      ...place,
      name: 'batch',
      kind: 'internal',
      parentId: undefined,
      startMs: this.startMs,
      endMs,
      error,
      attributes: {
        ...first.request.modelAttributes,
        'nestor.batch.rows': this.rows,
        'nestor.batch.requests': this.requests,
      },
      links: this.members.slice(0, MAX_LINKS),
    };
  }
}
