import type { FileStamp } from '../../common/file-stamp';
import { DomainError, reasonOf } from '../../errors/domain-error';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { RequestInputs } from '../runner';
import type { SessionOptions } from './session-options';
import type { Unchanged } from './shared-threads';
import type { ThreadSession } from './session-thread';

export interface RunnerOptions extends SessionOptions {
  /** Threads, each with a session of its own. */
  readonly instances: number;
}

/** What the runner needs of a thread. */
export type RunnerThread = Pick<ThreadSession, 'signature' | 'ended' | 'run' | 'close'>;
/** @param stamp what the model's files have to be */
export type OpenThread = (options: SessionOptions, stamp?: FileStamp) => Promise<RunnerThread>;

/** What is served is what was loaded, checked and given a digest, and nothing else. */
const OTHER_FILES = 'its files have changed since it was loaded';
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/** The threads of one model version. One that dies is replaced, with its session, in the background. */
export class SessionRunner {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Resolves once `close` is through. */
  readonly closed: Promise<void>;

  private readonly threads = new Set<RunnerThread>();
  private readonly free: RunnerThread[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly replacements = new Set<Promise<void>>();
  /** Replacements since a run last succeeded. */
  private replaced = 0;
  private lastFailure = 'it was closed';
  private closing: Promise<void> | undefined;
  private onClosed: () => void;

  private constructor(
    threads: readonly RunnerThread[],
    private readonly openThread: () => Promise<RunnerThread>,
    private readonly unchanged: Unchanged,
  ) {
    this.inputs = threads[0]?.signature.inputs ?? [];
    this.outputs = threads[0]?.signature.outputs ?? [];
    this.closed = new Promise((resolve) => (this.onClosed = resolve));
    for (const thread of threads) this.admit(thread);
  }

  /** @throws DomainError when one of the threads could not be opened; the others are closed again */
  static async open(
    { instances, ...options }: RunnerOptions,
    openThread: OpenThread,
    unchanged: Unchanged,
    stamp?: FileStamp,
  ): Promise<SessionRunner> {
    const open = (): Promise<RunnerThread> => openThread(options);
    const results = await Promise.allSettled(
      Array.from({ length: instances }, () => openThread(options, stamp)),
    );
    const threads = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) {
      await Promise.all(threads.map((thread) => thread.close()));
      throw failed.reason;
    }
    return new SessionRunner(threads, open, unchanged);
  }

  /** Live threads, thus runs that may be under way at once. */
  get concurrency(): number {
    return this.threads.size;
  }

  /**
   * Runs the requests joined along the leading dimension on a free thread; see `SessionThread.run`.
   * @throws DomainError also `model_unavailable` while no thread lives, `overloaded` when all are busy
   */
  async run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    // The one that was used last, whose memory is still in the caches.
    const thread = this.free.pop();
    if (!thread) throw this.refusal();
    try {
      const outputs = await thread.run(batch);
      this.replaced = 0;
      return outputs;
    } finally {
      if (this.threads.has(thread)) this.free.push(thread);
    }
  }

  /** Lets runs and loads in progress finish, then gives every session back. May be called again. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.timers.forEach(clearTimeout);
    await Promise.all([...[...this.threads].map((thread) => thread.close()), ...this.replacements]);
    this.threads.clear();
    this.free.length = 0;
    this.onClosed();
  }

  private admit(thread: RunnerThread): void {
    this.threads.add(thread);
    this.free.push(thread);
    void thread.ended.then((death) => {
      this.threads.delete(thread);
      const place = this.free.indexOf(thread);
      if (place !== -1) this.free.splice(place, 1);
      if (death) this.replaceLater(death);
    });
  }

  /** At once the first time, then later and later until a run succeeds. */
  private replaceLater(failure: unknown): void {
    this.lastFailure = reasonOf(failure);
    if (this.closing) return;
    const attempt = this.replaced++;
    const delayMs = attempt === 0 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS);
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      const replacement = this.replace().finally(() => this.replacements.delete(replacement));
      this.replacements.add(replacement);
    }, delayMs);
    this.timers.add(timer);
  }

  private async replace(): Promise<void> {
    try {
      const thread = await this.openThread();
      const unchanged = await this.unchanged();
      const refused = this.refusalOf(thread) ?? (unchanged ? undefined : OTHER_FILES);
      if (refused === undefined) return this.admit(thread);
      await thread.close();
      this.replaceLater(new Error(refused));
    } catch (error) {
      this.replaceLater(error);
    }
  }

  private refusalOf({ signature: { inputs, outputs } }: RunnerThread): string | undefined {
    if (this.closing) return 'it was closed';
    const same = JSON.stringify([inputs, outputs]) === JSON.stringify([this.inputs, this.outputs]);
    return same ? undefined : 'the file now holds a model with other inputs or outputs';
  }

  private refusal(): DomainError {
    if (this.threads.size > 0) return new DomainError('overloaded', 'every session of the model is busy');
    return new DomainError('model_unavailable', `the model has no live session: ${this.lastFailure}`, {
      retryAfterSeconds: 1,
    });
  }
}
