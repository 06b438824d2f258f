import type { Span, SpanSink } from './span';

/** Sends spans to whoever collects them. @throws when they did not arrive */
export type ExportSpans = (spans: readonly Span[]) => Promise<void>;

/** Told of what is lost. */
export interface SpanLoss {
  dropped(spans: number): void;
  /** The collector did not take them. @param reason of the first of several in a row */
  exportFailed(reason: unknown, isFirst: boolean): void;
  recovered(): void;
}

const MAX_WAITING = 2048;
const BATCH = 512;
const INTERVAL_MS = 5000;

/**
 * Where spans wait for their export: in batches, one at a time, after five seconds or when there are many. Nobody waits
 * for it. While the collector is away or slow spans are dropped, and counted; those of a failed export are gone.
 */
export class SpanQueue implements SpanSink {
  private waiting: Span[] = [];
  private timer: NodeJS.Timeout | undefined;
  private exporting: Promise<void> | undefined;
  private failing = false;
  private closed = false;

  constructor(
    private readonly exportSpans: ExportSpans,
    private readonly loss: SpanLoss,
  ) {}

  add(span: Span): void {
    if (this.closed || this.waiting.length >= MAX_WAITING) {
      this.loss.dropped(1);
      return;
    }
    this.waiting.push(span);
    if (this.waiting.length >= BATCH) this.exportNow();
    else this.timer ??= setTimeout(() => this.exportNow(), INTERVAL_MS).unref();
  }

  /** Exports what waits, for at most so long; what is left is lost. Never rejects. */
  async close(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    await Promise.race([this.exportAll(), late]);
    clearTimeout(timer);
    this.closed = true;
    clearTimeout(this.timer);
    if (this.waiting.length > 0) this.loss.dropped(this.waiting.length);
    this.waiting = [];
  }

  private async exportAll(): Promise<void> {
    // When the collector does not take one batch, it is not asked to take the next.
    do {
      this.exportNow();
      await this.exporting;
    } while (this.waiting.length > 0 && !this.failing && !this.closed);
  }

  private exportNow(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.exporting !== undefined || this.waiting.length === 0) return;
    this.exporting = this.exportBatch(this.waiting.splice(0, BATCH)).finally(() => {
      this.exporting = undefined;
      if (this.closed || this.waiting.length === 0) return;
      if (this.waiting.length >= BATCH) this.exportNow();
      else this.timer ??= setTimeout(() => this.exportNow(), INTERVAL_MS).unref();
    });
  }

  private async exportBatch(spans: readonly Span[]): Promise<void> {
    try {
      await this.exportSpans(spans);
      if (this.failing) this.loss.recovered();
      this.failing = false;
    } catch (error) {
      this.loss.dropped(spans.length);
      this.loss.exportFailed(error, !this.failing);
      this.failing = true;
    }
  }
}
