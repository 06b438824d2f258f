import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../errors/domain-error';

export interface WatchedFileOptions<T> {
  readonly path: string;
  readonly maxBytes: number;
  /** How often it is looked at. */
  readonly intervalMs: number;
  /** @throws Error that says what is wrong with the text */
  parse(text: string): T;
  onChange(value: T): void;
  /** It cannot be read, or has become something else than it must be: what it was before goes on to count. */
  onFault(reason: string): void;
}

/** A file that is being written may be read half: it has to look the same again so much later. */
const SETTLE_MS = 100;

/**
 * A file that is read again and again, as it may change while the server runs. It is looked at by its path each time and
 * by all its content: Kubernetes swaps a link two folders above it, of which a file's own events and times say nothing.
 */
export class WatchedFile<T> {
  private text: string | undefined;
  private fault: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: WatchedFileOptions<T>) {}

  /**
   * Reads it for the first time, and looks at it from then on.
   * @throws Error that says what is wrong with it
   */
  async start(): Promise<T> {
    const text = await this.read();
    const value = this.options.parse(text);
    this.text = text;
    this.lookLater();
    return value;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private lookLater(): void {
    if (this.stopped) return;
    this.timer = setTimeout(
      () => void this.look().finally(() => this.lookLater()),
      this.options.intervalMs,
    ).unref();
  }

  private async look(): Promise<void> {
    try {
      const text = await this.read();
      if (text === this.text) {
        this.fault = undefined;
        return;
      }
      await sleep(SETTLE_MS);
      if (text !== (await this.read())) return;
      const value = this.options.parse(text);
      this.text = text;
      this.fault = undefined;
      this.options.onChange(value);
    } catch (error) {
      const fault = reasonOf(error);
      if (fault !== this.fault && !this.stopped) this.options.onFault(fault);
      this.fault = fault;
    }
  }

  private async read(): Promise<string> {
    const { path, maxBytes } = this.options;
    const file = await open(path);
    try {
      const { size } = await file.stat();
      if (size > maxBytes) throw new Error(`is larger than ${maxBytes} bytes`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  }
}
