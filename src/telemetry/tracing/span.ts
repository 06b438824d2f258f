import type { SpanPlace } from './trace-context';

export type SpanKind = 'server' | 'client' | 'internal';

/** A span that is over. Times are of `performance.now()`. */
export interface Span extends SpanPlace {
  readonly name: string;
  readonly kind: SpanKind;
  /** Undefined for the first of its trace. */
  readonly parentId: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** Why it failed: an error's code; undefined where it did not. */
  readonly error: string | undefined;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly SpanPlace[];
}

/** Takes spans that are over; never fails, and keeps nobody waiting. */
export interface SpanSink {
  add(span: Span): void;
}
