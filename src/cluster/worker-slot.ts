import type { EventLog } from '../telemetry/logging/log-line';
import type { LoadedVersion } from '../process/ipc/loaded-version';
import { backoffMs } from '../common/backoff';
import { endedHow, type WorkerProcess } from './worker-process';

/** So many failures in a row are no accident. */
const CRASH_LOOP = 3;

export interface WorkerSlotOwner {
  readonly logger: EventLog;
  readonly stopping: boolean;
  readonly stopTimeoutMs: number;
  fork(slot: WorkerSlot): WorkerProcess;
  /** A worker died before its time. @returns whether another one is to follow */
  died(failures: number, reason: string): boolean;
  /** A worker failed and is replaced. */
  failed(): void;
  /** The models of the start that serve, but not in a worker that has these. */
  missing(models: readonly LoadedVersion[]): readonly string[];
}

/** One of the places that workers take, one after the other; during a replacement there are two. */
export class WorkerSlot {
  current: WorkerProcess | undefined;
  private successor: WorkerProcess | undefined;
  /** Is the current worker as good as its successor? Then it leaves only for one that is as good. */
  private byWish = false;
  private replaced: (() => void) | undefined;
  /** Failures in a row of workers that had not proved themselves. */
  private failures = 0;
  /** Of `performance.now()`; a worker that fails earlier is not replaced yet. */
  private patientUntilMs = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(private readonly owner: WorkerSlotOwner) {}

  get crashLooping(): boolean {
    return this.failures >= CRASH_LOOP && !this.current?.proved;
  }

  get isReplacedByWish(): boolean {
    return this.successor !== undefined && this.byWish;
  }

  fill(): void {
    this.current = this.owner.fork(this);
  }

  /** Nobody takes this place any more. */
  close(): void {
    clearTimeout(this.retry);
    this.finishReplacement();
  }

  /**
   * Starts a successor beside the worker, which leaves when it is ready. Resolves then, or when it failed and the
   * worker stays.
   */
  replace(reason: string): Promise<void> {
    if (this.successor === undefined) this.byWish = true;
    return this.startReplacement(reason);
  }

  /** Replaces a worker that fails; the more often in a row, the more slowly. */
  replaceFailing(failing: WorkerProcess, reason: string): void {
    if (this.owner.stopping || failing !== this.current) return;
    this.byWish = false;
    if (this.successor !== undefined || performance.now() < this.patientUntilMs) return;
    this.owner.failed();
    this.noteFailure(failing);
    this.owner.logger.error({ msg: 'worker fails', ...failing.name, reason });
    void this.startReplacement(reason);
  }

  ready(process: WorkerProcess, models: readonly LoadedVersion[]): void {
    if (process !== this.successor) return;
    const { logger, stopTimeoutMs } = this.owner;
    const missing = this.byWish && this.current !== undefined ? this.owner.missing(models) : [];
    if (missing.length > 0) {
      logger.error({ msg: 'the new worker lacks models, the old one stays', ...process.name, missing });
      process.stop(stopTimeoutMs);
      this.successor = undefined;
      this.finishReplacement();
    } else {
      this.takeOver(process);
    }
  }

  /** Whom it follows leaves, be it that others have to serve for a while. */
  takeOver(process: WorkerProcess): void {
    if (process !== this.successor) return;
    this.current?.stop(this.owner.stopTimeoutMs);
    this.current = process;
    this.successor = undefined;
    this.finishReplacement();
  }

  gone(process: WorkerProcess, code: number | null, signal: string | null): void {
    if (this.owner.stopping) return;
    const fields = { ...process.name, code, signal, reason: process.reason };
    if (process === this.successor) {
      this.successor = undefined;
      this.noteFailure(process);
      this.owner.logger.error({ msg: 'the new worker died', ...fields });
      this.finishReplacement();
    } else if (process === this.current) {
      this.current = undefined;
      this.follow(process, fields);
    } else if (signal !== null) {
      // It has finished nothing that it held.
      this.owner.logger.error({ msg: 'worker died on its way out', ...fields });
    }
  }

  /** Puts another worker in the place of one that died. */
  private follow(
    dead: WorkerProcess,
    fields: { readonly code: number | null; readonly signal: string | null },
  ): void {
    const { logger } = this.owner;
    const waitMs = this.noteFailure(dead);
    const how = endedHow(fields.code, fields.signal);
    if (!this.owner.died(this.failures, dead.reason ?? `workers end ${how} before they are ready`)) return;
    if (this.successor !== undefined) {
      logger.error({ msg: 'worker died while its successor starts', ...fields });
      this.current = this.successor;
      this.successor = undefined;
      this.finishReplacement();
      return;
    }
    logger.error({ msg: 'worker died, replacing it', ...fields, waitMs });
    this.retry = setTimeout(() => this.fill(), waitMs);
  }

  private startReplacement(reason: string): Promise<void> {
    if (this.current === undefined || this.successor !== undefined) return Promise.resolve();
    this.owner.logger.info({ msg: 'replacing worker', ...this.current.name, reason });
    this.successor = this.owner.fork(this);
    return new Promise((resolve) => (this.replaced = resolve));
  }

  private finishReplacement(): void {
    this.replaced?.();
    this.replaced = undefined;
  }

  /**
   * @returns how long to wait before the next worker is started: not at all after a single failure, as most are.
   * What the one that failed has served counts as waited: starts are to be rare, not service.
   */
  private noteFailure(process: WorkerProcess): number {
    this.failures = process.proved ? 1 : this.failures + 1;
    const waitMs = this.failures === 1 ? 0 : Math.max(0, backoffMs(this.failures - 1) - process.servedMs);
    this.patientUntilMs = performance.now() + waitMs;
    return waitMs;
  }
}
