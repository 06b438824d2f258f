import { PassingMap } from '../../common/passing';
import { Worker } from 'node:worker_threads';
import type { FileStamp } from '../../common/file-stamp';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { threadCpuMs } from '../../process/cpu/thread-cpu';
import type { ThreadRecord } from '../../process/run-record';
import type { RunRecording } from '../../process/run-recording';
import type { Tensor } from '../../tensors/tensor';
import type { RequestInputs } from '../runner';
import { joinInputs, joinShapes } from './input-batch';
import { describeFailure } from './runtime-failure';
import {
  RAN,
  Signal,
  type FromThread,
  type Loaded,
  type RunMessage,
  type SessionSignature,
  type ThreadData,
  type ToThread,
  takeBlock,
  giveBlockBack,
} from './session-messages';
import type { SessionOptions } from './session-options';
import type { Shape } from '../../tensors/shape';
import { blockBytes, BlockReader, BlockWriter, copyTensor } from './tensor-block';
import { THREAD_FILE } from './thread-file';

/** What a thread answers a job with: what a load found, what a run gave, or that it is done. */
type Answer = Loaded | Tensor[] | undefined;

/** Something that the thread is to do for one of its sessions. */
interface Job {
  /** Another one's, when the session moves to another thread before its turn has come. */
  session: ThreadSession;
  readonly kind: 'open' | 'run' | 'close';
  /** Undefined: a run whose inputs are all in the shared block. */
  readonly message: ToThread | undefined;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

export interface ThreadOptions {
  /** 0 leaves the thread's priority alone. */
  readonly niceness: number;
  /** How long loading the model may take. */
  readonly timeoutMs: number;
  /** Gives each thread its place in the record of runs. */
  readonly recording?: Pick<RunRecording, 'take' | 'giveBack'>;
}

// What a thread keeps after a large request.
const MAX_SPARE_BYTES = 16 << 20;

/**
 * The main side of one thread with one session or many, which does one thing at a time. A thread is never
 * terminated: while it loads or runs a model, that would abort the process.
 */
export class SessionThread {
  /** Those whose load nobody waits for any longer are among them. */
  private static readonly living = new Set<SessionThread>();

  /** Resolves when the thread is gone: to the reason, or to undefined when it was to end. */
  readonly ended: Promise<DomainError | undefined>;
  readonly inputMemory = takeBlock();
  readonly outputMemory = takeBlock();
  /** Does it run already? Until then whoever waits for it waits for no model. */
  started = false;
  /** The last one that wrote its inputs to the block. */
  writer: ThreadSession | undefined;
  private readonly signal = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  private readonly recording: ThreadOptions['recording'];
  private readonly record: ThreadRecord | undefined;
  private readonly worker: Worker;
  private readonly sessions = new PassingMap<number, ThreadSession>();
  private threadId: number | undefined;
  private lastNumber = 0;
  private current: Job | undefined;
  private waiting: Job[] = [];
  private spare: ArrayBuffer | undefined;
  private onIdle: (() => void) | undefined;
  private ending: Promise<void> | undefined;
  private gone = false;

  constructor({ niceness, recording }: Omit<ThreadOptions, 'timeoutMs'>) {
    this.record = recording?.take();
    this.recording = recording;
    const workerData: ThreadData = {
      niceness,
      record: this.record,
      signal: this.signal.buffer,
      inputs: this.inputMemory,
      outputs: this.outputMemory,
    };
    this.worker = new Worker(THREAD_FILE, { workerData });
    SessionThread.living.add(this);
    this.worker.on('message', (message: FromThread) => this.receive(message));
    this.worker.on('messageerror', (error) => this.finish((job) => job.reject(job.session.failure(error))));
    this.ended = new Promise((resolve) => {
      let fault: unknown = new Error('the thread ended by itself');
      this.worker.on('error', (error) => (fault = error));
      this.worker.on('exit', () => resolve(this.bury(fault)));
    });
  }

  /** Ends every thread of this process, those that are still loading included. */
  static async endAll(): Promise<void> {
    await Promise.all([...SessionThread.living].map((thread) => thread.end()));
  }

  /** Would it begin at once with what it is given? */
  get idle(): boolean {
    return this.current === undefined;
  }

  /** Is it over, or about to be? */
  get ends(): boolean {
    return this.gone || this.ending !== undefined;
  }

  /** What it does now; undefined while it is idle. */
  get task(): { readonly session: ThreadSession } | undefined {
    return this.current;
  }

  /**
   * Loads a model in it.
   * @throws DomainError `runtime_failure` with the reason when it does not load; `model_unavailable` when that takes
   * longer than `timeoutMs`, in which case its session goes as soon as the load ends
   * @param alone has it the thread to itself, which goes with it?
   * @param stamp what the model's files have to be, before and after
   */
  async open(
    options: SessionOptions,
    timeoutMs: number,
    { alone = false, stamp }: { readonly alone?: boolean; readonly stamp?: FileStamp } = {},
  ): Promise<ThreadSession> {
    const session = new ThreadSession(this, ++this.lastNumber, options, alone);
    this.sessions.set(session.number, session);
    try {
      await session.load(timeoutMs, stamp);
      return session;
    } catch (error) {
      void session.close();
      throw error;
    }
  }

  /** CPU time in milliseconds that it has had; undefined where that is not known. */
  get cpuMs(): number | undefined {
    return this.threadId === undefined ? undefined : threadCpuMs(this.threadId);
  }

  /** Does something wait for its turn? */
  get awaited(): boolean {
    return this.waiting.length > 0;
  }

  /** Waits for what it has in hand, then gives its sessions and itself back. May be called again. */
  end(): Promise<void> {
    this.ending ??= this.leave();
    return this.ending;
  }

  private async leave(): Promise<void> {
    for (const session of this.sessions.values()) session.refuse();
    const dropped = this.waiting.filter(({ kind }) => kind !== 'run');
    this.waiting = this.waiting.filter(({ kind }) => kind === 'run');
    for (const job of dropped) job.reject(new DomainError('model_unavailable', 'the session is closed'));
    if (this.current !== undefined) await new Promise<void>((resolve) => (this.onIdle = resolve));
    if (!this.gone) this.post({ kind: 'end' });
    await this.ended;
  }

  begin(job: Job): void {
    if (this.ends) job.reject(new DomainError('model_unavailable', 'the session is closed'));
    else if (this.current !== undefined) this.waiting.push(job);
    else this.start(job);
  }

  /** What waits for its turn here and is this session's, which goes elsewhere with it. */
  withdraw(session: ThreadSession): Job[] {
    const own = this.waiting.filter((job) => job.session === session);
    if (own.length > 0) this.waiting = this.waiting.filter((job) => job.session !== session);
    return own;
  }

  forget(session: ThreadSession): void {
    this.sessions.delete(session.number);
    if (this.writer === session) this.writer = undefined;
  }

  /** The buffer of the last large run where it is large enough: new ones cost page faults and full collections. */
  takeMemory(bytes: number): ArrayBuffer {
    const { spare } = this;
    this.spare = undefined;
    return spare && spare.byteLength >= bytes ? spare : new ArrayBuffer(bytes);
  }

  private start(job: Job): void {
    this.current = job;
    const { message } = job;
    const { number } = job.session;
    if (message === undefined) {
      this.signal[1] = number;
      this.wake(Signal.run);
    } else this.post(message.kind === 'run' ? { ...message, session: number } : message);
  }

  private post(message: ToThread): void {
    const memory = message.kind === 'run' ? message.memory : undefined;
    this.worker.postMessage(message, memory && [memory]);
    this.wake(Signal.message);
  }

  private wake(signal: number): void {
    Atomics.store(this.signal, 0, signal);
    Atomics.notify(this.signal, 0);
  }

  private receive(message: FromThread): void {
    if (message === RAN) {
      this.finish(resolveWithBlock);
      return;
    }
    if ('memory' in message && message.memory && message.memory.byteLength <= MAX_SPARE_BYTES) {
      this.spare = message.memory;
    }
    switch (message.kind) {
      case 'started':
        this.started = true;
        this.threadId = message.threadId;
        break;
      case 'ready':
        this.finish(({ resolve }) => resolve(message));
        break;
      case 'closed':
        this.finish(({ resolve }) => resolve(undefined));
        break;
      case 'ran':
        this.finish(resolveWithBlock);
        break;
      case 'outputs':
        this.finish(({ resolve }) => resolve(message.outputs));
        break;
      case 'load-failed':
        this.finish(({ reject }) => reject(new DomainError('runtime_failure', message.reason)));
        break;
      case 'run-failed': {
        const code = message.tooLarge === true ? 'answer_too_large' : 'runtime_failure';
        this.finish(({ reject }) => reject(new DomainError(code, message.reason)));
        break;
      }
    }
  }

  /** The thread goes on with what waits before the caller learns how its own ended. */
  private finish(settle: (job: Job) => void): void {
    const job = this.current;
    this.current = undefined;
    if (job) {
      if (job.kind === 'run') job.session.free();
      try {
        settle(job);
      } catch (error) {
        job.reject(job.session.failure(error));
      }
    }
    const next = this.gone ? undefined : this.takeNext(job?.kind !== 'run');
    if (next) this.start(next);
    else this.onIdle?.();
  }

  /** Runs and loads take turns, so that neither waits for more than one of the others. */
  private takeNext(runFirst: boolean): Job | undefined {
    const { waiting } = this;
    if (waiting.length === 0) return undefined;
    const place = waiting.findIndex(({ kind }) => (kind === 'run') === runFirst);
    return waiting.splice(Math.max(place, 0), 1)[0];
  }

  private bury(fault: unknown): DomainError | undefined {
    this.gone = true;
    SessionThread.living.delete(this);
    const asked = this.ending !== undefined;
    for (const { session, reject } of this.waiting.splice(0)) reject(session.failure(fault));
    this.finish(({ session, reject }) => reject(session.failure(fault)));
    for (const session of this.sessions.values()) session.over(asked ? undefined : session.failure(fault));
    if (this.record) this.recording?.giveBack(this.record);
    giveBlockBack(this.inputMemory);
    giveBlockBack(this.outputMemory);
    return asked ? undefined : new DomainError('runtime_failure', reasonOf(fault), { cause: fault });
  }
}

/** A session that lives on a thread, for one run at a time. */
export class ThreadSession {
  /** Empty until the model is loaded; nobody is given the session before. */
  signature: SessionSignature = { inputs: [], outputs: [] };
  /** Resolves when it is gone: to the reason, or to undefined when it was closed. */
  readonly ended: Promise<DomainError | undefined>;
  /** How long its load kept the thread busy. */
  loadMs = 0;
  /** Is a run of it under way, or does one wait for its turn? */
  running = false;
  private inputs: BlockWriter;
  private outputs: BlockReader;
  private closed: Promise<void> | undefined;
  private refuseLoad: ((reason: DomainError) => void) | undefined;
  private onFree: (() => void) | undefined;
  private onEnded: (death: DomainError | undefined) => void;

  constructor(
    readonly thread: SessionThread,
    readonly number: number,
    readonly options: SessionOptions,
    /** Has it the thread to itself, which goes with it? */
    private readonly alone: boolean,
  ) {
    this.inputs = new BlockWriter([], thread.inputMemory);
    this.outputs = new BlockReader([], thread.outputMemory);
    this.ended = new Promise((resolve) => (this.onEnded = resolve));
  }

  /** @throws what `SessionThread.open` throws */
  async load(timeoutMs: number, stamp: FileStamp | undefined): Promise<void> {
    const { thread, number, options } = this;
    const timer = setTimeout(() => this.refuse(`the model did not load within ${timeoutMs} ms`), timeoutMs);
    try {
      const { signature, ms } = await new Promise<Loaded>((resolve, reject) => {
        this.refuseLoad = reject;
        const message: ToThread = { kind: 'open', session: number, options, stamp };
        thread.begin({ session: this, kind: 'open', message, resolve: resolve as Job['resolve'], reject });
      });
      this.loadMs = ms;
      this.signature = signature;
      this.inputs = new BlockWriter(signature.inputs, thread.inputMemory);
      this.outputs = new BlockReader(signature.outputs, thread.outputMemory);
    } finally {
      clearTimeout(timer);
      this.refuseLoad = undefined;
    }
  }

  /** Nobody waits any longer for a load in progress. Afterwards this has no effect. */
  refuse(reason = 'the session was closed while it loaded'): void {
    this.refuseLoad?.(new DomainError('model_unavailable', reason));
  }

  /**
   * Runs the requests joined along the leading dimension; a single one runs as it is. The inputs are read
   * before this returns. Resolves to all outputs of the batch, in declared order, in the caller's memory.
   * @throws DomainError `runtime_failure` when the run fails or the thread dies under it
   */
  run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    return new Promise((resolve, reject) => {
      if (this.closed || this.thread.ends)
        throw new DomainError('model_unavailable', 'the session is closed');
      if (this.running) throw new DomainError('overloaded', 'the session is busy with another run');
      let message: RunMessage | undefined;
      try {
        message = this.written(batch);
      } catch (error) {
        throw this.failure(error);
      }
      this.running = true;
      this.thread.begin({ session: this, kind: 'run', message, resolve: resolve as Job['resolve'], reject });
    });
  }

  /** Waits for a run or load in progress, then gives the session back. May be called again. */
  close(): Promise<void> {
    this.closed ??= this.alone ? this.thread.end() : this.leave();
    return this.closed;
  }

  /** Hands what waits for its turn to a session of the same model on another thread. */
  handOver(to: ThreadSession): void {
    for (const job of this.thread.withdraw(this)) {
      this.free();
      to.running = true;
      job.session = to;
      to.thread.begin(job);
    }
  }

  free(): void {
    this.running = false;
    this.onFree?.();
  }

  over(death: DomainError | undefined): void {
    this.onEnded(death);
  }

  /** What is in the block, in the caller's memory. */
  readBlock(): Tensor[] {
    return this.outputs.read().map(copyTensor);
  }

  failure(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    const reason = describeFailure(error, this.options.modelFile);
    return new DomainError('runtime_failure', reason, { cause: error });
  }

  private async leave(): Promise<void> {
    const { thread, number } = this;
    this.refuse();
    if (this.running) await new Promise<void>((resolve) => (this.onFree = resolve));
    for (const load of thread.withdraw(this))
      load.reject(new DomainError('model_unavailable', 'it was closed'));
    await new Promise<void>((resolve) => {
      const done = (): void => resolve();
      const message: ToThread = { kind: 'close', session: number };
      thread.begin({ session: this, kind: 'close', message, resolve: done, reject: done });
    });
    thread.forget(this);
    this.onEnded(undefined);
  }

  /** Without a message when the inputs are all in the shared block, which takes a thread that begins at once. */
  private written(batch: readonly RequestInputs[]): RunMessage | undefined {
    const { thread, number } = this;
    const specs = this.signature.inputs;
    const shapes = joinShapes(specs, batch);
    const placed = thread.idle ? this.place(shapes) : undefined;
    if (placed) {
      const texts = joinInputs(specs, batch, placed);
      return texts && { kind: 'run', session: number, texts };
    }
    const memory = thread.takeMemory(blockBytes(specs, shapes));
    const texts = joinInputs(specs, batch, new BlockWriter(specs, memory).place(shapes) ?? []);
    return { kind: 'run', session: number, memory, texts };
  }

  private place(shapes: readonly Shape[]): readonly Tensor[] | undefined {
    if (this.thread.writer !== this) this.inputs.forget();
    this.thread.writer = this;
    return this.inputs.place(shapes);
  }
}

function resolveWithBlock({ session, resolve }: Job): void {
  resolve(session.readBlock());
}

/** Opens a model on a thread of its own. @throws what `SessionThread.open` throws */
export async function openAlone(
  options: SessionOptions,
  threadOptions: ThreadOptions,
  stamp?: FileStamp,
): Promise<ThreadSession> {
  return new SessionThread(threadOptions).open(options, threadOptions.timeoutMs, { alone: true, stamp });
}
