import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '../telemetry/logging/log-line';
import type { LoadedVersion } from '../process/ipc/loaded-version';
import {
  type Condition,
  CONDITION,
  FAN_OUT,
  type FanOut,
  type Ready,
  type Reply,
} from '../process/ipc/messages';
import type { Standing } from '../models/rollout/coordinator';
import { Handover } from './handover';
import { WorkerSlot, type WorkerSlotOwner } from './worker-slot';
import { workerNumberFor } from '../config/worker-number';
import { WorkerProcess } from './worker-process';

/** A first start that failed so often will not succeed by itself. */
const FIRST_START_TRIES = 3;
const WATCH_MS = 1000;
/** Loading the program takes a while in which no event loop turns. */
const START_GRACE_MS = 30_000;
/** A word to a worker that needs no work. */
const TELL_MS = 1000;

export interface SupervisorOptions {
  readonly workers: number;
  readonly logger: EventLog;
  /** A worker whose event loop has not turned for so long is replaced. */
  readonly heartbeatTimeoutMs: number;
  /** A worker with more physical memory than this for itself is replaced; 0 for no limit. */
  readonly memoryLimitBytes: number;
  /** How long load balancers get to see that the server is about to leave. */
  readonly stopDelayMs: number;
  /** How long a worker may take to finish what it holds; of a stop of all, that time included. */
  readonly stopTimeoutMs: number;
  /** Where connections come in; it is given every worker that serves. */
  readonly port: Handover;
  /** Opens it. Called once, when a worker is ready to serve. */
  open(): Promise<void>;
  /** The environment of each worker. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every worker that was forked. */
  onFork(worker: Worker, process: WorkerProcess): void;
  /** Called once, when every worker is ready, with what the last one of them says of its models. */
  onAllReady(ready: Ready): void;
  /** The models of the start that serve, but not in a worker that has these. */
  missing(models: readonly LoadedVersion[]): readonly string[];
  /** Called when the first start keeps failing; nothing is forked any more. */
  onHopeless(reason: string): void;
}

/** Keeps a number of workers running: forks them, watches them, replaces those that die or fail, stops them all. */
export class Supervisor implements WorkerSlotOwner {
  /** Workers that were replaced because they died or failed, not by wish. */
  restarts = 0;
  readonly logger: EventLog;
  readonly stopTimeoutMs: number;
  stopping = false;
  private readonly slots: WorkerSlot[];
  private readonly processes = new Set<WorkerProcess>();
  private opened: Promise<void> | undefined;
  private announced = false;
  private stopped: (() => void) | undefined;
  private rolling: Promise<void> = Promise.resolve();
  private watch: NodeJS.Timeout | undefined;
  private lookedMs = 0;
  /** Crash-looping slots, as the workers were last told. */
  private told = 0;

  constructor(private readonly options: SupervisorOptions) {
    this.logger = options.logger;
    this.stopTimeoutMs = options.stopTimeoutMs;
    this.slots = Array.from({ length: options.workers }, () => new WorkerSlot(this));
  }

  start(): void {
    for (const slot of this.slots) slot.fill();
    this.lookedMs = performance.now();
    this.watch = setInterval(() => this.lookAfterAll(), WATCH_MS);
  }

  /**
   * Stops them all, and resolves when every worker has finished what it held and is gone. The port closes before they
   * are told, so that each takes what was handed to it before, and then knows that nothing more comes.
   */
  async stop(): Promise<void> {
    const { port, stopDelayMs, stopTimeoutMs } = this.options;
    const deadlineMs = performance.now() + stopTimeoutMs;
    this.stopping = true;
    clearInterval(this.watch);
    const gone = new Promise<void>((resolve) => (this.stopped = resolve));
    for (const slot of this.slots) slot.close();
    const serving = [...this.processes].filter(({ state }) => state === 'ready');
    for (const process of this.processes) if (process.state === 'starting') process.stop(stopTimeoutMs);
    this.tell({ crashLooping: 0, stopping: true });
    if (serving.length > 0) await sleep(stopDelayMs);
    await port.close(TELL_MS);
    for (const process of serving) process.stop(Math.max(0, deadlineMs - performance.now()));
    this.checkStopped();
    await gone;
  }

  /** Ends every worker at once, whatever it is doing. */
  kill(): void {
    this.stopping = true;
    for (const slot of this.slots) slot.close();
    for (const process of this.processes) process.signal('SIGKILL');
  }

  /** Replaces the workers one at a time, each ready before the one it follows leaves. */
  replaceAll(reason: string): Promise<void> {
    this.rolling = this.rolling.then(async () => {
      for (const slot of this.slots) if (!this.stopping) await slot.replace(reason);
    });
    return this.rolling;
  }

  all(): readonly WorkerProcess[] {
    return [...this.processes];
  }

  /** Is every slot taken by a worker that serves? */
  get complete(): boolean {
    return this.slots.every((slot) => slot.current?.state === 'ready');
  }

  /** One that is to follow a worker by wish is awaited, whatever it lacks; then the old one stays. */
  standingOf(process: WorkerProcess): Standing {
    const others = [...this.processes].filter((one) => one !== process && one.takesPart && !one.waits);
    if (others.length === 0) return 'alone';
    const isSpare = others.some(({ place, state }) => state === 'ready' && place !== process.place);
    return isSpare && this.slots[process.place - 1]?.isReplacedByWish === false ? 'spare' : 'needed';
  }

  /** It need not serve for a while, and whom it follows because that one fails need not wait for it. */
  waits(process: WorkerProcess): void {
    process.waits = true;
    this.slots[process.place - 1]?.takeOver(process);
  }

  /** Slots whose workers keep dying. */
  get crashLooping(): number {
    return this.slots.filter((slot) => slot.crashLooping).length;
  }

  /**
   * Puts a question to every worker that has joined, but for those in `except`.
   * @param share of them that are asked, at least one: the newest, whose loss would cost least
   */
  askAll<Value>(
    { topic, payload, timeoutMs }: FanOut,
    except?: ReadonlySet<number>,
    share = 1,
  ): Promise<Reply<Value>[]> {
    const all = [...this.processes].filter(({ takesPart }) => takesPart);
    const width = Math.max(1, Math.ceil(all.length * share));
    const asked = all.filter(({ id }) => !except?.has(id)).slice(-width);
    return Promise.all(asked.map((process) => process.ask<Value>(topic, payload, timeoutMs)));
  }

  /** The same to all that may serve, those as well that have been told to stop. */
  tellAll({ topic, payload, timeoutMs }: FanOut): Promise<Reply<void>[]> {
    const all = [...this.processes].filter(({ mayServe }) => mayServe);
    return Promise.all(all.map((process) => process.ask<void>(topic, payload, timeoutMs)));
  }

  /** Sends a signal to every worker that serves. */
  signal(signal: NodeJS.Signals): void {
    for (const process of this.processes) if (process.state === 'ready') process.signal(signal);
  }

  missing(models: readonly LoadedVersion[]): readonly string[] {
    return this.options.missing(models);
  }

  fork(slot: WorkerSlot): WorkerProcess {
    const place = this.slots.indexOf(slot) + 1;
    const { port } = this.options;
    const worker = cluster.fork({ ...this.options.env, ...workerNumberFor(place) });
    const process = new WorkerProcess(worker, place, {
      ready: (process, ready) => {
        slot.ready(process, ready.models);
        if (this.stopping || process.state !== 'ready') return;
        port.add(process);
        this.opened ??= this.options.open();
        if (this.announced || !this.complete) return;
        this.announced = true;
        void this.opened.then(() => this.options.onAllReady(ready));
      },
      connection: (process, reply) => port.hear(process, reply),
      leaves: (process) => port.remove(process),
      wantsReplacement: (failing, reason) => slot.replaceFailing(failing, reason),
      gone: (dead, code, signal) => {
        port.remove(dead);
        this.processes.delete(dead);
        slot.gone(dead, code, signal);
        this.checkStopped();
      },
    });
    // Comes after its last word on connections, which its exit may not.
    worker.process.once('close', () => port.gone(process));
    process.channel.handle<FanOut, Reply<unknown>[]>(FAN_OUT, async (question) => {
      const replies = await this.askAll(question);
      return replies.filter((reply) => reply.ok || reply.gone === undefined);
    });
    this.processes.add(process);
    this.options.onFork(worker, process);
    return process;
  }

  /** @returns whether it is worth while to try again */
  died(failures: number, reason: string): boolean {
    this.failed();
    if (this.opened !== undefined || failures < FIRST_START_TRIES) return true;
    this.kill();
    this.options.onHopeless(reason);
    return false;
  }

  failed(): void {
    this.restarts++;
  }

  private lookAfterAll(): void {
    this.forgiveOwnStandstill();
    for (const process of this.processes) this.endHopeless(process);
    for (const slot of this.slots) if (slot.current?.state === 'ready') this.lookAfter(slot, slot.current);
    this.tellCondition();
  }

  /** While this process stood still it heard nobody, and all of a container that was paused stood still with it. */
  private forgiveOwnStandstill(): void {
    const nowMs = performance.now();
    const stoodStill = nowMs - this.lookedMs > WATCH_MS + this.options.heartbeatTimeoutMs;
    this.lookedMs = nowMs;
    if (stoodStill) for (const process of this.processes) process.lastBeatMs = nowMs;
  }

  /**
   * Ends what stands still before it serves, and has nothing to finish, or for twice HEARTBEAT_TIMEOUT_MS, and finishes
   * nothing: what it holds, clients and changes of models, would wait for ever. No successor has to be ready for that, as
   * one may wait for such a change; where there is one, the old worker does not get all of its time to leave.
   */
  private endHopeless(process: WorkerProcess): void {
    const { heartbeatTimeoutMs } = this.options;
    const starts = process.state === 'starting';
    const silentMs = performance.now() - process.lastBeatMs;
    if (silentMs <= heartbeatTimeoutMs + (starts ? START_GRACE_MS : heartbeatTimeoutMs)) return;
    const why = starts ? 'worker does not start' : 'worker stands still';
    this.logger.error({ msg: why, ...process.name, silentMs: Math.round(silentMs) });
    process.signal('SIGKILL');
  }

  private lookAfter(slot: WorkerSlot, process: WorkerProcess): void {
    const { heartbeatTimeoutMs, memoryLimitBytes } = this.options;
    const silentMs = performance.now() - process.lastBeatMs;
    const ownBytes = process.heartbeat?.ownBytes ?? 0;
    if (silentMs > heartbeatTimeoutMs) {
      slot.replaceFailing(process, `its event loop has not turned for ${Math.round(silentMs)} ms`);
    } else if (memoryLimitBytes > 0 && ownBytes > memoryLimitBytes) {
      slot.replaceFailing(process, `it holds ${ownBytes} bytes of memory for itself (WORKER_MEMORY_LIMIT)`);
    }
  }

  /** Lets every worker's readiness say what none of them can know. */
  private tellCondition(): void {
    const { crashLooping } = this;
    if (crashLooping === 0 && this.told === 0) return;
    this.told = crashLooping;
    this.tell({ crashLooping, stopping: false });
  }

  private tell(condition: Condition): void {
    void this.askAll({ topic: CONDITION, payload: condition, timeoutMs: TELL_MS });
  }

  private checkStopped(): void {
    if (this.stopping && this.processes.size === 0) this.stopped?.();
  }
}
