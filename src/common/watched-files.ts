import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { reasonOf } from '../errors/domain-error';

export interface WatchedFilesOptions<T> {
  /** Files that belong together. */
  readonly paths: readonly string[];
  /** Of each. */
  readonly maxBytes: number;
  /** How often it is looked at. */
  readonly intervalMs: number;
  /** @throws Error that says what is wrong with the texts */
  parse(...texts: string[]): T;
  onChange(value: T): void;
  /** It cannot be read, or has become something else than it must be: what it was before goes on to count. */
  onFault(reason: string): void;
}

/** A file that is being written may be read half: it has to look the same again so much later. */
const SETTLE_MS = 100;

/**
 * Files that are read again and again, as they may change while the server runs. They are looked at by path each time and
 * by all their content: Kubernetes swaps a link two folders above, of which a file's own events and times say nothing.
 */
export class WatchedFiles<T> {
  private texts: readonly string[] = [];
  private fault: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: WatchedFilesOptions<T>) {}

  /**
   * Reads it for the first time, and looks at it from then on.
   * @throws Error that says what is wrong with it
   */
  async start(): Promise<T> {
    const texts = await this.read();
    const value = this.options.parse(...texts);
    this.texts = texts;
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
      const texts = await this.read();
      if (areSame(texts, this.texts)) {
        this.fault = undefined;
        return;
      }
      await sleep(SETTLE_MS);
      if (!areSame(texts, await this.read())) return;
      const value = this.options.parse(...texts);
      this.texts = texts;
      this.fault = undefined;
      this.options.onChange(value);
    } catch (error) {
      const fault = reasonOf(error);
      if (fault !== this.fault && !this.stopped) this.options.onFault(fault);
      this.fault = fault;
    }
  }

  private read(): Promise<string[]> {
    return Promise.all(this.options.paths.map((path) => this.readOne(path)));
  }

  private async readOne(path: string): Promise<string> {
    const { maxBytes } = this.options;
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

function areSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, i) => text === others[i]);
}
