import { PassingMap } from '../../common/passing';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { isUnchangedNow } from '../../common/file-stamp';
import type { Shape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { RunPlace, runNote } from '../../process/run-record';
import { loadRuntime, openRuntime } from './runtime';
import type { RuntimeSession } from './runtime-session';
import { describeFailure } from './runtime-failure';
import {
  BLOCK_BYTES,
  RAN,
  Signal,
  type FromThread,
  type RunMessage,
  type ThreadData,
  type ToThread,
} from './session-messages';
import type { SessionOptions } from './session-options';
import { BlockReader, BlockWriter, copyElements } from './tensor-block';
import { ownThreadId } from '../../process/cpu/own-thread-id';
import { OwnCpuTime } from '../../process/cpu/thread-cpu';
import { lowerOwnPriority } from '../../process/cpu/thread-priority';

// Between runs the thread waits on shared memory: that saves an eighth of a hop's CPU against waiting for a
// message. What the event loop has to do (native finalizers) is done now and then, and before a long wait.
const RUNS_BETWEEN_TURNS = 64;
const IDLE_BEFORE_TURN_MS = 100;

type OpenMessage = Extract<ToThread, { kind: 'open' }>;

const CHANGED = 'its files are not those that are known';

/** One of the sessions that live on this thread. */
class HostedSession {
  readonly inputs: BlockReader;
  readonly outputs: BlockWriter;
  readonly givesText: boolean;
  readonly note: Buffer;

  constructor(
    readonly runtime: RuntimeSession,
    readonly options: SessionOptions,
    data: ThreadData,
    local: ArrayBuffer,
  ) {
    // On Node 20 the runtime refuses views of shared memory.
    this.inputs = new BlockReader(runtime.inputs, data.inputs, local);
    this.outputs = new BlockWriter(runtime.outputs, data.outputs);
    this.note = runNote(options.label ?? '');
    this.givesText = runtime.outputs.some(({ datatype }) => datatype === 'BYTES');
  }
}

class ThreadSide {
  private readonly signal: Int32Array;
  private readonly cpu = new OwnCpuTime();
  private readonly local = new ArrayBuffer(BLOCK_BYTES);
  private readonly sessions = new PassingMap<number, HostedSession>();
  private readonly place: RunPlace | undefined;
  /** The last one that wrote its outputs to the block. */
  private writer: HostedSession | undefined;

  constructor(
    private readonly port: MessagePort,
    private readonly data: ThreadData,
  ) {
    this.signal = new Int32Array(data.signal);
    this.place = data.record && new RunPlace(data.record);
  }

  async serve(): Promise<void> {
    loadRuntime();
    this.post({ kind: 'started', threadId: ownThreadId() });
    for (let turns = 1; ; turns++) {
      if (Atomics.wait(this.signal, 0, Signal.none, IDLE_BEFORE_TURN_MS) === 'timed-out')
        await turnOfTheLoop();
      // More than once, because what wakes it may be the late end of an earlier wake-up.
      while (Atomics.load(this.signal, 0) === Signal.none) Atomics.wait(this.signal, 0, Signal.none);
      const message = this.received();
      if (message?.kind === 'end') break;
      if (message?.kind === 'open') await this.open(message);
      else if (message?.kind === 'close') await this.close(message.session);
      else await this.run(message);
      if (turns % RUNS_BETWEEN_TURNS === 0) await turnOfTheLoop();
    }
    for (const { runtime } of this.sessions.values()) await runtime.release();
    this.place?.close();
    this.cpu.close();
  }

  /** Undefined: a run whose inputs are all in the shared block. */
  private received(): ToThread | undefined {
    if (Atomics.exchange(this.signal, 0, Signal.none) === Signal.run) return undefined;
    const received: { message: ToThread } | undefined = receiveMessageOnPort(this.port);
    return received?.message ?? { kind: 'end' };
  }

  private async open({ session, options, stamp }: OpenMessage): Promise<void> {
    const startMs = this.busyMs;
    try {
      if (stamp !== undefined && !isUnchangedNow(stamp)) throw new Error(CHANGED);
      const runtime = await openRuntime(options);
      if (stamp !== undefined && !isUnchangedNow(stamp)) {
        await runtime.release();
        throw new Error(CHANGED);
      }
      this.sessions.set(session, new HostedSession(runtime, options, this.data, this.local));
      const signature = { inputs: runtime.inputs, outputs: runtime.outputs };
      this.post({ kind: 'ready', signature, ms: this.busyMs - startMs });
    } catch (error) {
      this.post({ kind: 'load-failed', reason: describeFailure(error, options.modelFile) });
    }
  }

  private async close(session: number): Promise<void> {
    const hosted = this.sessions.get(session);
    this.sessions.delete(session);
    if (this.writer === hosted) this.writer = undefined;
    await hosted?.runtime.release();
    this.post({ kind: 'closed' });
  }

  private async run(message: RunMessage | undefined): Promise<void> {
    // Goes back with the answer: to be used again, and not to lie here until garbage is collected.
    const memory = message?.memory;
    const hosted = this.sessions.get(message?.session ?? Atomics.load(this.signal, 1));
    try {
      if (hosted === undefined) throw new Error('the session is not there');
      this.place?.begin(hosted.note);
      const running = hosted.runtime.run(inputsOf(hosted, message));
      const outputs = running instanceof Promise ? await running : running;
      this.place?.end();
      const reason = tooManyTexts(outputs, hosted.options.maxTexts);
      if (reason === undefined) this.answer(hosted, outputs, memory);
      else this.post({ kind: 'run-failed', reason, tooLarge: true, memory }, memory && [memory]);
    } catch (error) {
      this.place?.end();
      const reason = describeFailure(error, hosted?.options.modelFile ?? '');
      this.post({ kind: 'run-failed', reason, memory }, memory && [memory]);
    }
  }

  private answer(hosted: HostedSession, outputs: Tensor[], memory?: ArrayBuffer): void {
    if (this.writer !== hosted) hosted.outputs.forget();
    this.writer = hosted;
    const placed = hosted.givesText ? undefined : hosted.outputs.place(outputs.map(shapeOf));
    if (!placed) {
      const buffers = outputs.flatMap(bufferOf);
      this.post({ kind: 'outputs', outputs, memory }, memory ? [...buffers, memory] : buffers);
      return;
    }
    for (let position = 0; position < outputs.length; position++) {
      const source = outputs[position]?.data;
      const target = placed[position]?.data;
      if (source && target && !Array.isArray(source) && !Array.isArray(target)) copyElements(source, target);
    }
    if (memory) this.post({ kind: 'ran', memory }, [memory]);
    else this.post(RAN);
  }

  private get busyMs(): number {
    return this.cpu.ms ?? performance.now();
  }

  private post(message: FromThread, transfer?: ArrayBuffer[]): void {
    this.port.postMessage(message, transfer);
  }
}

function inputsOf({ runtime, inputs }: HostedSession, message: RunMessage | undefined): readonly Tensor[] {
  const block = message?.memory ? new BlockReader(runtime.inputs, message.memory) : inputs;
  const tensors = block.read();
  const texts = message?.texts;
  if (!texts) return tensors;
  return tensors.map((tensor, position) => ({ ...tensor, data: texts[position] ?? tensor.data }));
}

function tooManyTexts(outputs: readonly Tensor[], most = Infinity): string | undefined {
  for (const { name, data } of outputs) {
    if (Array.isArray(data) && data.length > most)
      return `Output "${name}" has ${data.length} texts, more than ${most} (max_text_elements in the model.yaml of the model).`;
  }
  return undefined;
}

function bufferOf({ data }: Tensor): ArrayBuffer[] {
  return Array.isArray(data) ? [] : [data.buffer as ArrayBuffer];
}

function shapeOf({ shape }: Tensor): Shape {
  return shape;
}

if (parentPort) {
  const data = workerData as ThreadData;
  lowerOwnPriority(data.niceness);
  void new ThreadSide(parentPort, data).serve();
}
