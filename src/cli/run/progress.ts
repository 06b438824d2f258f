const BAR = 24;
const REDRAW_MS = 100;

/** Where the bar is drawn: a terminal's standard error. */
export interface Terminal {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** How far a file has come, in one line that is drawn again and again; silent where nobody looks. */
export class Progress {
  private drawnAtMs = -Infinity;
  private isDrawn = false;
  private readonly startMs: number;

  /** @param totalBytes of the file; undefined where that is not known, as of standard input */
  constructor(
    private readonly terminal: Terminal,
    private readonly totalBytes: number | undefined,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.startMs = nowMs();
  }

  /** @param rows answered by this run */
  tell(rows: number, readBytes: number): void {
    const nowMs = this.nowMs();
    if (this.terminal.isTTY !== true || nowMs - this.drawnAtMs < REDRAW_MS) return;
    this.drawnAtMs = nowMs;
    this.isDrawn = true;
    const perSecond = Math.round((rows / Math.max(1, nowMs - this.startMs)) * 1000);
    this.terminal.write(`\r${this.bar(readBytes)}${grouped(rows)} rows, ${grouped(perSecond)}/s\u001b[K`);
  }

  /** Leaves the line to what is said next. */
  end(): void {
    if (this.isDrawn) this.terminal.write('\r\u001b[K');
  }

  private bar(readBytes: number): string {
    if (this.totalBytes === undefined || this.totalBytes === 0) return '';
    const share = Math.min(1, readBytes / this.totalBytes);
    const full = Math.round(share * BAR);
    return `[${'#'.repeat(full)}${' '.repeat(BAR - full)}] ${String(Math.floor(share * 100)).padStart(3)} %  `;
  }
}

function grouped(count: number): string {
  return count.toLocaleString('en-US');
}
