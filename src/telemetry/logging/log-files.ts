import { reasonOf } from '../../errors/domain-error';
import { countLines, type Level } from './log-line';
import { RotatingFile, type RotationLimits } from './rotating-file';

const CHECK_MS = 30_000;
const NEWLINE = Buffer.from('\n');

export type LogFileName = 'app' | 'access' | 'error' | 'audit';

/** Tells the other outputs what happens to the files. */
export type Note = (level: Level, msg: string, fields: object) => void;

/**
 * `app.log`, `access.log`, `error.log` and `audit.log` in one folder. A disk that fails (full, read-only, gone)
 * costs the files alone: they are switched off with one warning, and tried again every half minute.
 */
export class LogFiles {
  private files?: Record<LogFileName, RotatingFile>;
  private lostLines = 0;
  /** A fault was told and not yet followed by a line that was written. */
  private faulty = false;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly dir: string,
    private readonly limits: RotationLimits,
    private readonly note: Note,
    checkMs = CHECK_MS,
  ) {
    this.files = this.open();
    this.timer = setInterval(() => void this.check(), checkMs).unref();
  }

  /** Takes whole lines. */
  write(name: LogFileName, lines: Buffer): void {
    if (this.files === undefined) this.lostLines += countLines(lines);
    else this.files[name].write(lines);
  }

  flushSync(): void {
    for (const file of Object.values(this.files ?? {})) file.flushSync();
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    // A file that fails in its last moments is told of, so it still counts as one of ours.
    await Promise.all(Object.values(this.files ?? {}).map((file) => file.close()));
    this.files = undefined;
  }

  private open(): Record<LogFileName, RotatingFile> {
    const open = (name: LogFileName) =>
      new RotatingFile(
        this.dir,
        `${name}.log`,
        this.limits,
        (error) => this.switchOff(files, error),
        (lines) => (this.lostLines += lines),
      );
    const files = { app: open('app'), access: open('access'), error: open('error'), audit: open('audit') };
    return files;
  }

  private switchOff(files: Record<LogFileName, RotatingFile>, error: Error): void {
    if (this.files !== files) return;
    void this.closeFiles();
    if (this.faulty) return;
    this.faulty = true;
    this.note('warn', 'log files are switched off', { dir: this.dir, reason: reasonOf(error) });
  }

  private async closeFiles(): Promise<void> {
    const files = Object.values(this.files ?? {});
    this.files = undefined;
    await Promise.all(files.map((file) => file.close()));
  }

  private async check(): Promise<void> {
    const files = this.files;
    if (files === undefined) {
      this.tryAgain();
    } else if ((await Promise.all(Object.values(files).map((file) => file.isGone()))).includes(true)) {
      if (this.files !== files) return;
      void this.closeFiles();
      this.files = this.open();
      this.note('warn', 'log files had been removed and are opened anew', { dir: this.dir });
    } else if (this.lostLines > 0 && !this.faulty) {
      this.note('warn', 'the disk was too slow for the log', { lostLines: this.takeLostLines() });
    }
  }

  private tryAgain(): void {
    const files = this.open();
    this.files = files;
    // A full disk may have torn the last line: what follows starts on one of its own. That a folder
    // opens says little about a full disk, so only a line that was written ends the fault.
    files.access.write(NEWLINE);
    files.error.write(NEWLINE);
    files.audit.write(NEWLINE);
    files.app.write(NEWLINE, () => {
      this.faulty = false;
      this.note('warn', 'log files are written again', { lostLines: this.takeLostLines() });
    });
  }

  private takeLostLines(): number {
    const lines = this.lostLines;
    this.lostLines = 0;
    return lines;
  }
}
