import type { Logger } from 'pino';
import { backoffMs } from './backoff';
import type { WorkerProcess } from './worker-process';

/** A worker that served this long has proved that it can. */
const PROVED_MS = 60_000;
/** So many deaths in a row are no accident. */
const CRASH_LOOP = 3;

export interface SeatOwner {
  readonly logger: Logger;
  readonly stopping: boolean;
  readonly stopTimeoutMs: number;
  fork(seat: Seat): WorkerProcess;
  /** A worker died before its time. @returns whether another one is to follow */
  died(failures: number, reason: string): boolean;
}

/** One of the places that workers take, one after the other; during a replacement there are two. */
export class Seat {
  current: WorkerProcess | undefined;
  private successor: WorkerProcess | undefined;
  private replaced: (() => void) | undefined;
  /** Deaths in a row of workers that had not proved themselves. */
  private failures = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly owner: SeatOwner) {}

  get beingReplaced(): boolean {
    return this.successor !== undefined;
  }

  get crashLooping(): boolean {
    return this.failures >= CRASH_LOOP;
  }

  fill(): void {
    this.current = this.owner.fork(this);
  }

  /** Nobody takes this place any more. */
  close(): void {
    clearTimeout(this.retry);
    this.finishReplacement();
  }

  /** Starts a successor beside the worker, which leaves when it is ready. Resolves then, or when it failed. */
  replace(reason: string): Promise<void> {
    if (this.current === undefined || this.successor !== undefined) return Promise.resolve();
    this.owner.logger.info({ workerPid: this.current.pid, reason }, 'replacing worker');
    this.successor = this.owner.fork(this);
    return new Promise((resolve) => (this.replaced = resolve));
  }

  ready(process: WorkerProcess): void {
    if (process !== this.successor) return;
    const predecessor = this.current;
    this.current = process;
    this.successor = undefined;
    this.failures = 0;
    predecessor?.stop(this.owner.stopTimeoutMs);
    this.finishReplacement();
  }

  gone(process: WorkerProcess, code: number | null, signal: string | null): void {
    if (this.owner.stopping) return;
    if (process === this.successor) {
      this.successor = undefined;
      this.owner.logger.error(
        { workerPid: process.pid, code, signal, reason: process.reason },
        'the new worker died',
      );
      this.finishReplacement();
    } else if (process === this.current) {
      this.current = undefined;
      this.follow(process, code, signal);
    }
  }

  /** Puts another worker in the place of one that died. */
  private follow(dead: WorkerProcess, code: number | null, signal: string | null): void {
    const { logger } = this.owner;
    const proved = dead.lastBeatMs !== undefined && performance.now() - dead.startedAtMs > PROVED_MS;
    this.failures = proved ? 1 : this.failures + 1;
    const how = signal ? `by ${signal}` : `with code ${code}`;
    if (!this.owner.died(this.failures, dead.reason ?? `workers end ${how} before they are ready`)) return;
    const fields = { workerPid: dead.pid, code, signal, reason: dead.reason };
    if (this.successor !== undefined) {
      logger.error(fields, 'worker died while its successor starts');
      this.current = this.successor;
      this.successor = undefined;
      this.finishReplacement();
      return;
    }
    // The first one follows at once: most deaths are single ones, and the port is short of a worker.
    const waitMs = this.failures === 1 ? 0 : backoffMs(this.failures - 1);
    logger.error({ ...fields, waitMs }, 'worker died, replacing it');
    this.retry = setTimeout(() => this.fill(), waitMs);
  }

  private finishReplacement(): void {
    this.replaced?.();
    this.replaced = undefined;
  }
}
