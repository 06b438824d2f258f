import { Worker } from 'node:worker_threads';
import { DomainError } from '../../errors/domain-error';
import type { Tensor } from '../../tensors/tensor';
import { joinInputs, joinShapes, type RequestInputs } from './input-batch';
import { describeFailure } from './runtime-failure';
import {
  RAN,
  Signal,
  type FromThread,
  type SessionSignature,
  type ThreadData,
  type ThreadRecord,
  type ToThread,
} from './session-messages';
import type { RunRecording } from './run-recording';
import type { SessionOptions } from './session-options';
import { giveBlockBack, takeBlock } from './shared-blocks';
import { blockBytes, BlockReader, BlockWriter, copyTensor } from './tensor-block';
import { THREAD_FILE } from './thread-file';

export interface ThreadOptions {
  /** 0 leaves the thread's priority alone. */
  readonly niceness: number;
  /** How long loading the model may take. */
  readonly timeoutMs: number;
  /** Gives each thread its place in the record of runs. */
  readonly recording?: Pick<RunRecording, 'take' | 'giveBack'>;
}

interface Deferred<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: DomainError) => void;
}

// What a session keeps after a large request.
const MAX_SPARE_BYTES = 16 << 20;

/**
 * The main side of one thread with one session, for one run at a time. A thread is never terminated:
 * while it loads or runs a model, that would abort the process.
 */
export class SessionThread {
  /** Those whose load nobody waits for any longer are among them. */
  private static readonly living = new Set<SessionThread>();

  /** Empty until the model is loaded; nobody is given the thread before. */
  signature: SessionSignature = { inputs: [], outputs: [] };
  /** Resolves when the thread is gone: to the reason, or to undefined when it was closed. */
  readonly ended: Promise<DomainError | undefined>;

  private readonly signal = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  private readonly inputMemory = takeBlock();
  private readonly outputMemory = takeBlock();
  private inputs = new BlockWriter([], this.inputMemory);
  private outputs = new BlockReader([], this.outputMemory);
  private readonly record: ThreadRecord | undefined;
  private readonly worker: Worker;
  private spare: ArrayBuffer | undefined;
  private loading: Deferred<SessionSignature> | undefined;
  private running: Deferred<Tensor[]> | undefined;
  private onIdle: (() => void) | undefined;
  private closed: Promise<void> | undefined;
  private gone = false;

  private constructor(
    private readonly options: SessionOptions,
    private readonly threadOptions: ThreadOptions,
  ) {
    const { niceness } = threadOptions;
    this.record = options.label === undefined ? undefined : threadOptions.recording?.take(options.label);
    const workerData: ThreadData = {
      options,
      niceness,
      signal: this.signal.buffer,
      inputs: this.inputMemory,
      outputs: this.outputMemory,
      record: this.record,
    };
    this.worker = new Worker(THREAD_FILE, { workerData });
    SessionThread.living.add(this);
    this.worker.on('message', (message: FromThread) => this.receive(message));
    this.worker.on('messageerror', (error) => this.finish(({ reject }) => reject(this.failure(error))));
    this.ended = new Promise((resolve) => {
      let fault: unknown = new Error('the thread ended by itself');
      this.worker.on('error', (error) => (fault = error));
      this.worker.on('exit', () => resolve(this.bury(fault)));
    });
  }

  /**
   * Starts a thread and loads the model in it.
   * @throws DomainError `runtime_failure` with the reason when the model does not load; `model_unavailable`
   * when that takes longer than `timeoutMs`, in which case the thread goes as soon as the load ends
   */
  static async open(options: SessionOptions, threadOptions: ThreadOptions): Promise<SessionThread> {
    const { timeoutMs } = threadOptions;
    const thread = new SessionThread(options, threadOptions);
    const timer = setTimeout(() => {
      const reason = `the model did not load within ${timeoutMs} ms`;
      thread.loading?.reject(new DomainError('model_unavailable', reason));
    }, timeoutMs);
    try {
      thread.signature = await new Promise((resolve, reject) => (thread.loading = { resolve, reject }));
      return thread;
    } catch (error) {
      void thread.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes every thread of this process, those that are still loading included. */
  static async closeAll(): Promise<void> {
    await Promise.all([...SessionThread.living].map((thread) => thread.close()));
  }

  /**
   * Runs the requests joined along the leading dimension; a single one runs as it is. The inputs are read
   * before this returns. Resolves to all outputs of the batch, in declared order, in the caller's memory.
   * @throws DomainError `runtime_failure` when the run fails or the thread dies under it
   */
  run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    return new Promise((resolve, reject) => {
      if (this.gone || this.closed) throw new DomainError('model_unavailable', 'the session is closed');
      if (this.running) throw new DomainError('overloaded', 'the session is busy with another run');
      try {
        this.send(batch);
      } catch (error) {
        throw this.failure(error);
      }
      this.running = { resolve, reject };
    });
  }

  /** Waits for a run or load in progress, then gives session and thread back. May be called again. */
  close(): Promise<void> {
    this.closed ??= this.leave();
    return this.closed;
  }

  private async leave(): Promise<void> {
    // Only a load in progress is still to be settled; on any other this has no effect.
    this.loading?.reject(new DomainError('model_unavailable', 'the session was closed while it loaded'));
    if (this.running) await new Promise<void>((resolve) => (this.onIdle = resolve));
    if (!this.gone) this.wake({ kind: 'close' });
    await this.ended;
  }

  private send(batch: readonly RequestInputs[]): void {
    const specs = this.signature.inputs;
    const shapes = joinShapes(specs, batch);
    const placed = this.inputs.place(shapes);
    if (placed) {
      const texts = joinInputs(specs, batch, placed);
      this.wake(texts && { kind: 'run', texts });
      return;
    }
    const memory = this.takeMemory(blockBytes(specs, shapes));
    const texts = joinInputs(specs, batch, new BlockWriter(specs, memory).place(shapes) ?? []);
    this.wake({ kind: 'run', memory, texts }, [memory]);
  }

  /** The buffer of the last large run where it is large enough: new ones cost page faults and full collections. */
  private takeMemory(bytes: number): ArrayBuffer {
    const { spare } = this;
    this.spare = undefined;
    return spare && spare.byteLength >= bytes ? spare : new ArrayBuffer(bytes);
  }

  /** Without a message: for a run whose inputs are all in the shared block. */
  private wake(message?: ToThread, transfer?: ArrayBuffer[]): void {
    if (message) this.worker.postMessage(message, transfer);
    Atomics.store(this.signal, 0, message ? Signal.message : Signal.run);
    Atomics.notify(this.signal, 0);
  }

  private receive(message: FromThread): void {
    if (message === RAN) {
      this.finish(this.resolveWithBlock);
      return;
    }
    if ('memory' in message && message.memory && message.memory.byteLength <= MAX_SPARE_BYTES) {
      this.spare = message.memory;
    }
    switch (message.kind) {
      case 'ready':
        this.inputs = new BlockWriter(message.signature.inputs, this.inputMemory);
        this.outputs = new BlockReader(message.signature.outputs, this.outputMemory);
        this.loading?.resolve(message.signature);
        break;
      case 'load-failed':
        this.loading?.reject(new DomainError('runtime_failure', message.reason));
        break;
      case 'ran':
        this.finish(this.resolveWithBlock);
        break;
      case 'outputs':
        this.finish(({ resolve }) => resolve(message.outputs));
        break;
      case 'run-failed':
        this.finish(({ reject }) => reject(new DomainError('runtime_failure', message.reason)));
        break;
    }
  }

  private readonly resolveWithBlock = ({ resolve }: Deferred<Tensor[]>): void => {
    resolve(this.outputs.read().map(copyTensor));
  };

  /** The thread is free again before the caller learns how its run ended. */
  private finish(settle: (run: Deferred<Tensor[]>) => void): void {
    const run = this.running;
    this.running = undefined;
    if (run) {
      try {
        settle(run);
      } catch (error) {
        run.reject(this.failure(error));
      }
    }
    this.onIdle?.();
  }

  private bury(fault: unknown): DomainError | undefined {
    const death = this.failure(fault);
    this.gone = true;
    SessionThread.living.delete(this);
    this.loading?.reject(death);
    this.finish(({ reject }) => reject(death));
    if (this.record) this.threadOptions.recording?.giveBack(this.record);
    giveBlockBack(this.inputMemory);
    giveBlockBack(this.outputMemory);
    return this.closed ? undefined : death;
  }

  private failure(error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    return new DomainError('runtime_failure', describeFailure(error, this.options.modelFile), {
      cause: error,
    });
  }
}
