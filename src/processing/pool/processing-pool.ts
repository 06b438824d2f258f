import { DomainError } from '../../errors/domain-error';
import { type Clock, systemClock } from '../../common/clock';
import { DeadlineWatch, type Expiring } from '../../common/deadline-watch';
import type { RunRecording } from '../../process/run-recording';
import type { Tensor } from '../../tensors/tensor';
import type { RequestOptions } from '../options';
import { type InputPlan, needsOpening, type OutputPlan } from '../plans';
import type { InputContext, Prepared, RunFreedom } from '../prepared';
import type { RawInput } from '../raw-input';
import type { ThreadSetup } from './messages';
import { ProcessingThread } from './processing-thread';

/** What one thread takes at a time: while libuv decodes a picture, it resamples another. */
const AT_A_TIME = 2;

export interface PoolSettings {
  readonly threads: number;
  /** Pieces of work that may wait for a thread. */
  readonly maxWaiting: number;
  readonly setup: Omit<ThreadSetup, 'records'>;
  /** Gives each thread its places in the record of runs. */
  readonly recording?: Pick<RunRecording, 'take' | 'giveBack'>;
}

const FREE: RunFreedom = { mayPart: true, mayPad: true };

/** A pipeline that every thread knows. */
export interface OpenPipeline {
  readonly id: number;
  readonly inputs: readonly InputPlan[];
  readonly outputs: readonly OutputPlan[];
  readonly label: string;
}

/** Until when somebody waits for a piece of work. */
export interface Waiter {
  /** On `performance.now()`; Infinity: for ever. */
  readonly deadlineMs: number;
  readonly signal?: { readonly aborted: boolean };
}

/** What the threads have done so far, in milliseconds. */
export interface Processed {
  readonly count: Readonly<Record<Work, number>>;
  readonly busyMs: Readonly<Record<Work, number>>;
  readonly waitedMs: number;
}

type Work = 'prepare' | 'finish';

interface Waiting extends Expiring {
  readonly signal: Waiter['signal'];
  readonly begin: (thread: ProcessingThread) => Promise<void>;
  readonly reject: (error: DomainError) => void;
}

/**
 * The threads that turn raw inputs into tensors, and large outputs into answers. The first starts with the first pipeline
 * that has something to load, or with the first work, further ones when work comes while all are busy; one that ends is
 * replaced, and what it had in hand is rejected. Work waits in the order of its arrival.
 */
export class ProcessingPool {
  private readonly threads: ProcessingThread[] = [];
  /** Starts, and takes no work until it knows the pipelines. */
  private coming: ProcessingThread | undefined;
  private readonly pipelines = new Map<number, OpenPipeline>();
  private readonly waiting: Waiting[] = [];
  private readonly deadlines: DeadlineWatch<Waiting>;
  private readonly count = { prepare: 0, finish: 0 };
  private readonly busyMs = { prepare: 0, finish: 0 };
  private waitedMs = 0;
  private lastPipeline = 0;
  private isEnding = false;

  constructor(
    private readonly settings: PoolSettings,
    private readonly clock: Clock = systemClock,
  ) {
    this.deadlines = new DeadlineWatch(clock, (late) => this.leave(late, lateError()));
  }

  /** Those that take work. */
  get threadCount(): number {
    return this.threads.length;
  }

  get processed(): Processed {
    return { count: this.count, busyMs: this.busyMs, waitedMs: this.waitedMs };
  }

  /** Work that waits for a thread. */
  get waitingCount(): number {
    return this.waiting.length;
  }

  /** Since when the longest-lasting piece of work has a thread, on `performance.now()`; Infinity: there is none. */
  get busySinceMs(): number {
    return Math.min(...this.threads.map((thread) => thread.busySinceMs));
  }

  /**
   * @param label of the version that it is of, in the record of runs
   * @throws whatever a step could not load
   */
  async open(
    inputs: readonly InputPlan[],
    outputs: readonly OutputPlan[],
    label = '',
  ): Promise<OpenPipeline> {
    const pipeline = { id: ++this.lastPipeline, inputs, outputs, label };
    const loads = needsOpening(inputs);
    const { threads, coming } = this;
    if (loads && threads.length === 0 && coming === undefined) threads.push(this.startKnowing());
    this.pipelines.set(pipeline.id, pipeline);
    const opening = threads.map((thread) => openOn(thread, pipeline));
    const later = coming && openOn(coming, pipeline);
    // Where there are others, one that is on its way would fail alike; what has nothing to load fails nowhere.
    if (later !== undefined && opening.length === 0) opening.push(later);
    else later?.catch(() => undefined);
    try {
      if (loads) await Promise.all(opening);
      else for (const one of opening) one.catch(() => undefined);
    } catch (error) {
      this.close(pipeline);
      throw error;
    }
    return pipeline;
  }

  close(pipeline: OpenPipeline): void {
    if (!this.pipelines.delete(pipeline.id)) return;
    for (const thread of [...this.threads, this.coming]) thread?.close(pipeline.id);
  }

  /**
   * Makes the tensors of a request.
   * @throws what the steps throw; `overloaded` when too much waits; `deadline_exceeded`; `client_closed_request`
   */
  prepare(
    { id: pipeline }: OpenPipeline,
    raw: readonly RawInput[],
    options: RequestOptions,
    waiter: Waiter,
    freedom: RunFreedom = FREE,
  ): Promise<Prepared> {
    return this.queue('prepare', waiter, (thread) => {
      const withinMs = Math.min(waiter.deadlineMs - this.clock.now(), Number.MAX_SAFE_INTEGER);
      const own = raw.map(ownPieces);
      return thread.ask({ kind: 'prepare', pipeline, raw: own, options, freedom, withinMs }, memoryOf(own));
    });
  }

  /** Makes answers of the model's outputs. @throws as `prepare` does */
  finish(
    { id: pipeline }: OpenPipeline,
    outputs: readonly Tensor[],
    contexts: readonly InputContext[],
    options: RequestOptions,
    waiter: Waiter,
  ): Promise<readonly Tensor[]> {
    return this.queue('finish', waiter, (thread) =>
      thread.ask({ kind: 'finish', pipeline, outputs: outputs.map(ownMemory), contexts, options }),
    );
  }

  /** Ends the threads. A decode under way is given up. */
  async shutDown(): Promise<void> {
    this.isEnding = true;
    const ending = new DomainError('draining', 'The server is stopping.');
    for (const waiting of [...this.waiting]) this.leave(waiting, ending);
    await Promise.all([...this.threads, this.coming].map(async (thread) => thread?.terminate()));
  }

  private queue<Value>(
    kind: Work,
    { deadlineMs, signal }: Waiter,
    work: (thread: ProcessingThread) => Promise<Value>,
  ): Promise<Value> {
    if (this.isEnding) return Promise.reject(new DomainError('draining', 'The server is stopping.'));
    const thread = this.idleThread();
    if (thread === undefined || thread.load > 0) void this.grow();
    if (thread === undefined && this.waiting.length >= this.settings.maxWaiting) {
      return Promise.reject(
        new DomainError(
          'overloaded',
          `Too many inputs wait to be processed (MAX_PROCESSING_QUEUE, ${this.settings.maxWaiting}).`,
          { retryAfterSeconds: 1 },
        ),
      );
    }
    return new Promise<Value>((resolve, reject) => {
      const askedMs = this.clock.now();
      const begin = async (on: ProcessingThread): Promise<void> => {
        const begunMs = this.clock.now();
        this.waitedMs += begunMs - askedMs;
        await work(on).then(resolve, reject);
        this.count[kind]++;
        this.busyMs[kind] += this.clock.now() - begunMs;
      };
      const waiting: Waiting = { deadlineMs, signal, begin, reject, deadlineIndex: -1 };
      if (deadlineMs < Infinity) this.deadlines.add(waiting);
      if (thread === undefined) this.waiting.push(waiting);
      else void this.run(waiting, thread);
    });
  }

  private async run(waiting: Waiting, thread: ProcessingThread): Promise<void> {
    await waiting.begin(thread);
    this.deadlines.remove(waiting);
    this.next();
  }

  private next(): void {
    for (let thread = this.idleThread(); thread !== undefined; thread = this.idleThread()) {
      const waiting = this.waiting.shift();
      if (waiting === undefined) return;
      if (waiting.signal?.aborted === true) this.leave(waiting, goneError());
      else void this.run(waiting, thread);
    }
  }

  /** Nobody waits any more; a thread that is at work on it goes on. */
  private leave(waiting: Waiting, error: DomainError): void {
    this.deadlines.remove(waiting);
    const index = this.waiting.indexOf(waiting);
    if (index !== -1) this.waiting.splice(index, 1);
    waiting.reject(error);
  }

  /** The one with the least to do, if it can take more. */
  private idleThread(): ProcessingThread | undefined {
    let least: ProcessingThread | undefined;
    for (const thread of this.threads) if (least === undefined || thread.load < least.load) least = thread;
    return least !== undefined && least.load < AT_A_TIME ? least : undefined;
  }

  private start(): ProcessingThread {
    const { setup, recording } = this.settings;
    const records = recording === undefined ? [] : Array.from({ length: AT_A_TIME }, () => recording.take());
    const thread = new ProcessingThread({ ...setup, records }, () => {
      for (const record of records) recording?.giveBack(record);
      this.replace(thread);
    });
    return thread;
  }

  /** One more thread, unless one is on its way or there are enough. */
  private async grow(): Promise<void> {
    if (this.coming !== undefined || this.threads.length >= this.settings.threads) return;
    const thread = this.start();
    this.coming = thread;
    // A pipeline that cannot be opened answers its requests with that.
    await Promise.allSettled([...this.pipelines.values()].map((pipeline) => openOn(thread, pipeline)));
    if (this.coming !== thread) return;
    this.coming = undefined;
    this.threads.push(thread);
    this.next();
  }

  /** A thread that has ended by itself makes place for one that knows the same pipelines. */
  private replace(ended: ProcessingThread): void {
    if (this.coming === ended) this.coming = undefined;
    const index = this.threads.indexOf(ended);
    if (this.isEnding) return;
    if (index === -1) {
      // Nobody else comes for what waits: the next request tries again.
      if (this.threads.length === 0)
        for (const waiting of [...this.waiting]) this.leave(waiting, endedError());
      return;
    }
    this.threads[index] = this.startKnowing();
    this.next();
  }

  /** A thread that knows what there is; what cannot be opened there answers its requests with that. */
  private startKnowing(): ProcessingThread {
    const thread = this.start();
    for (const pipeline of this.pipelines.values()) openOn(thread, pipeline).catch(() => undefined);
    return thread;
  }
}

function openOn(thread: ProcessingThread, { id, ...plans }: OpenPipeline): Promise<undefined> {
  return thread.ask({ kind: 'open', pipeline: id, ...plans });
}

/** The tensor with elements that are not part of a larger batch, which would be copied whole. */
function ownMemory(tensor: Tensor): Tensor {
  const { data } = tensor;
  if (Array.isArray(data) || data.byteLength === data.buffer.byteLength) return tensor;
  return { ...tensor, data: data.slice() };
}

/** The pieces in memory of their own: a view of a body would take the whole of it along. */
function ownPieces(raw: RawInput): RawInput {
  const pieces = raw.pieces.map((piece) => (typeof piece === 'string' ? piece : new Uint8Array(piece)));
  return { ...raw, pieces };
}

function memoryOf(raw: readonly RawInput[]): ArrayBuffer[] {
  const pieces = raw.flatMap((input) => input.pieces);
  return pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.buffer as ArrayBuffer]));
}

function endedError(): DomainError {
  return new DomainError('internal_error', 'The processing thread ended before it took any work.');
}

function lateError(): DomainError {
  return new DomainError('deadline_exceeded', 'The deadline passed while the inputs waited to be processed.');
}

function goneError(): DomainError {
  return new DomainError('client_closed_request', 'The client left while its inputs waited to be processed.');
}
