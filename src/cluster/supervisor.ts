import cluster, { type Worker } from 'node:cluster';
import type { Logger } from 'pino';
import type { LoadedVersion } from '../link/loaded-version';
import { FAN_OUT, type FanOut, type Reply } from '../link/messages';
import { Seat, type SeatOwner } from './seat';
import { closeUntakenConnections } from './untaken-connections';
import { WorkerProcess } from './worker-process';

/** A first start that failed so often will not succeed by itself. */
const FIRST_START_TRIES = 3;
const WATCH_MS = 1000;

export interface SupervisorOptions {
  readonly workers: number;
  /** The environment of the workers. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  /** A worker whose event loop has not turned for so long is replaced. */
  readonly heartbeatTimeoutMs: number;
  /** A worker with more physical memory than this is replaced; 0 for no limit. */
  readonly memoryLimitBytes: number;
  /** How long a worker may take to finish what it holds. */
  readonly stopTimeoutMs: number;
  /** Called with every worker that was forked, and the number of the place that it takes, from 1. */
  onFork(worker: Worker, process: WorkerProcess, place: number): void;
  /** Called once, when every worker is ready. */
  onAllReady(models: readonly LoadedVersion[]): void;
  /** Called with each worker that is ready, before it is one of those that questions go to. */
  onReady(process: WorkerProcess, models: readonly LoadedVersion[]): void;
  /** Called when the first start keeps failing; nothing is forked any more. */
  onHopeless(reason: string): void;
}

/** Keeps a number of workers running: forks them, watches them, replaces those that die or fail, stops them all. */
export class Supervisor implements SeatOwner {
  /** Workers that were replaced because they died or failed, not by wish. */
  restarts = 0;
  readonly logger: Logger;
  readonly stopTimeoutMs: number;
  stopping = false;
  private readonly seats: Seat[];
  private readonly processes = new Set<WorkerProcess>();
  private everReady = false;
  private announced = false;
  private stopped: (() => void) | undefined;
  private rolling: Promise<void> = Promise.resolve();
  private watch: NodeJS.Timeout | undefined;

  constructor(private readonly options: SupervisorOptions) {
    this.logger = options.logger;
    this.stopTimeoutMs = options.stopTimeoutMs;
    this.seats = Array.from({ length: options.workers }, () => new Seat(this));
  }

  start(): void {
    for (const seat of this.seats) seat.fill();
    this.watch = setInterval(() => this.lookAfterAll(), WATCH_MS);
  }

  /** Resolves when every worker has finished what it held and is gone. */
  stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.watch);
    const gone = new Promise<void>((resolve) => (this.stopped = resolve));
    for (const seat of this.seats) seat.close();
    for (const process of this.processes) process.stop(this.stopTimeoutMs);
    this.checkStopped();
    return gone;
  }

  /** Ends every worker at once, whatever it is doing. */
  kill(): void {
    this.stopping = true;
    for (const seat of this.seats) seat.close();
    for (const process of this.processes) process.kill();
  }

  /** Replaces the workers one at a time, each ready before the one it follows leaves. */
  replaceAll(reason: string): Promise<void> {
    this.rolling = this.rolling.then(async () => {
      for (const seat of this.seats) if (!this.stopping) await seat.replace(reason);
    });
    return this.rolling;
  }

  /** The workers that answer questions: ready ones, and those that have not left yet. */
  ready(): WorkerProcess[] {
    return [...this.processes].filter((process) => process.state === 'ready');
  }

  all(): readonly WorkerProcess[] {
    return [...this.processes];
  }

  /** Is every seat taken by a worker that serves? */
  get complete(): boolean {
    return this.seats.every((seat) => seat.current?.state === 'ready');
  }

  /** Seats whose workers keep dying. */
  get crashLooping(): number {
    return this.seats.filter((seat) => seat.crashLooping).length;
  }

  /** Puts a question to every worker that is ready. */
  askAll<Value>({ topic, payload, timeoutMs }: FanOut): Promise<Reply<Value>[]> {
    return Promise.all(this.ready().map((process) => process.ask<Value>(topic, payload, timeoutMs)));
  }

  /**
   * Puts a question to every worker that has joined, be it ready or on its way there. One that died on the way
   * has no say: it serves nothing.
   */
  async askJoined<Value>({ topic, payload, timeoutMs }: FanOut): Promise<Reply<Value>[]> {
    const joined = [...this.processes].filter((process) => process.joined && process.state !== 'leaving');
    const replies = await Promise.all(joined.map((process) => process.ask<Value>(topic, payload, timeoutMs)));
    const died = ({ state, lastBeatMs }: WorkerProcess): boolean =>
      state === 'gone' && lastBeatMs === undefined;
    return replies.filter((_, i) => !died(joined[i]!));
  }

  fork(seat: Seat): WorkerProcess {
    const worker = cluster.fork(this.options.env);
    closeUntakenConnections(worker.process);
    const process = new WorkerProcess(worker, {
      ready: (ready, models) => {
        this.everReady = true;
        this.options.onReady(ready, models);
        seat.ready(ready);
        if (this.announced || !this.complete) return;
        this.announced = true;
        this.options.onAllReady(models);
      },
      wantsReplacement: (failing, reason) => this.replaceFailing(seat, failing, reason),
      gone: (dead, code, signal) => {
        this.processes.delete(dead);
        seat.gone(dead, code, signal);
        this.checkStopped();
      },
    });
    process.channel.handle<FanOut, Reply<unknown>[]>(FAN_OUT, (question) => this.askAll(question));
    this.processes.add(process);
    this.options.onFork(worker, process, this.seats.indexOf(seat) + 1);
    return process;
  }

  /** @returns whether it is worth while to try again */
  died(failures: number, reason: string): boolean {
    this.restarts++;
    if (this.everReady || failures < FIRST_START_TRIES) return true;
    this.kill();
    this.options.onHopeless(reason);
    return false;
  }

  private replaceFailing(seat: Seat, failing: WorkerProcess, reason: string): void {
    if (this.stopping || failing !== seat.current || seat.beingReplaced) return;
    this.restarts++;
    this.logger.error({ workerPid: failing.pid, worker: failing.id, reason }, 'worker fails, replacing it');
    void seat.replace(reason);
  }

  private lookAfterAll(): void {
    const { heartbeatTimeoutMs, memoryLimitBytes } = this.options;
    const nowMs = performance.now();
    for (const seat of this.seats) {
      const process = seat.current;
      if (process?.state !== 'ready' || process.lastBeatMs === undefined) continue;
      const silentMs = nowMs - process.lastBeatMs;
      const rssBytes = process.heartbeat?.rssBytes ?? 0;
      if (silentMs > heartbeatTimeoutMs) {
        this.replaceFailing(seat, process, `its event loop has not turned for ${Math.round(silentMs)} ms`);
      } else if (memoryLimitBytes > 0 && rssBytes > memoryLimitBytes) {
        this.replaceFailing(seat, process, `it holds ${rssBytes} bytes of memory`);
      }
    }
  }

  private checkStopped(): void {
    if (this.stopping && this.processes.size === 0) this.stopped?.();
  }
}
