import { PassingMap } from '../../common/passing';
import { Worker } from 'node:worker_threads';
import { DomainError, errorFrom } from '../../errors/domain-error';
import type { Ask, Reply, ReplyOf, ThreadSetup } from './messages';
import { THREAD_FILE } from './thread-file';

type AskOf<Kind extends keyof ReplyOf> = Extract<Ask, { readonly kind: Kind }>;
type WithoutId<Asked> = Asked extends unknown ? Omit<Asked, 'id'> : never;

interface Pending {
  /** On `performance.now()`. */
  readonly sinceMs: number;
  readonly resolve: (value: never) => void;
  readonly reject: (error: DomainError) => void;
}

/** One processing thread, seen from the event loop. */
export class ProcessingThread {
  private readonly worker: Worker;
  private readonly pending = new PassingMap<number, Pending>();
  private lastId = 0;
  private hasEnded = false;

  /** @param onExit told once, after everything that was pending has been rejected */
  constructor(setup: ThreadSetup, onExit: () => void) {
    this.worker = new Worker(THREAD_FILE, { workerData: setup });
    this.worker.on('message', (reply: Reply) => this.settle(reply));
    // The exit that follows settles everything.
    this.worker.on('error', () => undefined);
    this.worker.once('exit', () => {
      this.hasEnded = true;
      const lost = [...this.pending.values()];
      this.pending.clear();
      const death = new DomainError(
        'internal_error',
        'The processing thread ended while it worked on this request.',
      );
      for (const { reject } of lost) reject(death);
      onExit();
    });
  }

  /** How much it has to do. */
  get load(): number {
    return this.pending.size;
  }

  /** Since when the oldest thing that it has to do is its own, on `performance.now()`; Infinity: there is none. */
  get busySinceMs(): number {
    for (const { sinceMs } of this.pending.values()) return sinceMs;
    return Infinity;
  }

  /** @throws what the step throws, and `internal_error` when the thread ends before it answers */
  ask<Kind extends keyof ReplyOf>(
    asked: WithoutId<AskOf<Kind>> & { readonly kind: Kind },
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<ReplyOf[Kind]> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      if (this.hasEnded) {
        reject(new DomainError('internal_error', 'The processing thread has ended.'));
        return;
      }
      this.pending.set(id, { sinceMs: performance.now(), resolve, reject });
      this.worker.postMessage({ ...asked, id }, [...transfer]);
    });
  }

  /** Lets it forget a pipeline. */
  close(pipeline: number): void {
    const ask: Ask = { kind: 'close', pipeline };
    this.worker.postMessage(ask);
  }

  async terminate(): Promise<void> {
    await this.worker.terminate();
  }

  private settle(reply: Reply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.value as never);
    else pending?.reject(errorFrom(reply));
  }
}
