import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import type { Shape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { RunPlace } from '../../process/run-record';
import { openRuntime, type RuntimeSession } from './runtime';
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
import { BlockReader, BlockWriter, copyElements } from './tensor-block';
import { lowerOwnPriority } from '../../process/cpu/thread-priority';

// Between runs the thread waits on shared memory: that saves an eighth of a hop's CPU against waiting for a
// message. What the event loop has to do (native finalizers) is done now and then, and before a long wait.
const RUNS_BETWEEN_TURNS = 64;
const IDLE_BEFORE_TURN_MS = 100;

class ThreadSide {
  private readonly signal: Int32Array;
  private readonly inputs: BlockReader;
  private readonly outputs: BlockWriter;
  private readonly givesText: boolean;
  /** 1 while runs are to be noted. */
  private readonly noting: Int32Array | undefined;
  private place: RunPlace | undefined;

  constructor(
    private readonly session: RuntimeSession,
    private readonly port: MessagePort,
    private readonly data: ThreadData,
  ) {
    this.signal = new Int32Array(data.signal);
    // On Node 20 the runtime refuses views of shared memory.
    this.inputs = new BlockReader(session.inputs, data.inputs, new ArrayBuffer(BLOCK_BYTES));
    this.outputs = new BlockWriter(session.outputs, data.outputs);
    this.noting = data.record && new Int32Array(data.record.on);
    this.givesText = session.outputs.some(({ datatype }) => datatype === 'BYTES');
  }

  async serve(): Promise<void> {
    for (let runs = 1; ; runs++) {
      if (Atomics.wait(this.signal, 0, Signal.none, IDLE_BEFORE_TURN_MS) === 'timed-out')
        await turnOfTheLoop();
      // More than once, because what wakes it may be the late end of an earlier wake-up.
      while (Atomics.load(this.signal, 0) === Signal.none) Atomics.wait(this.signal, 0, Signal.none);
      const message = this.received();
      if (message?.kind === 'close') return;
      // Goes back with the answer: to be used again, and not to lie here until garbage is collected.
      const memory = message?.memory;
      const noted = this.note();
      try {
        const running = this.session.run(this.inputsOf(message));
        const outputs = running instanceof Promise ? await running : running;
        noted?.end();
        this.answer(outputs, memory);
      } catch (error) {
        noted?.end();
        const reason = describeFailure(error, this.data.options.modelFile);
        this.post({ kind: 'run-failed', reason, memory }, memory && [memory]);
      }
      if (runs % RUNS_BETWEEN_TURNS === 0) await turnOfTheLoop();
    }
  }

  /** Notes that a run begins, while that is wanted: should the process die of it, the note stays. */
  private note(): RunPlace | undefined {
    const { record } = this.data;
    if (record === undefined || this.noting?.[0] !== 1) return undefined;
    try {
      this.place ??= new RunPlace(record.file, record.place, record.label);
      this.place.begin();
      return this.place;
    } catch {
      // It is for the next death, not for this run.
      return undefined;
    }
  }

  /** Undefined: a run whose inputs are all in the shared block. */
  private received(): ToThread | undefined {
    if (Atomics.exchange(this.signal, 0, Signal.none) === Signal.run) return undefined;
    const received: { message: ToThread } | undefined = receiveMessageOnPort(this.port);
    return received?.message ?? { kind: 'close' };
  }

  private inputsOf(message: RunMessage | undefined): readonly Tensor[] {
    const block = message?.memory ? new BlockReader(this.session.inputs, message.memory) : this.inputs;
    const tensors = block.read();
    const texts = message?.texts;
    if (!texts) return tensors;
    return tensors.map((tensor, position) => ({ ...tensor, data: texts[position] ?? tensor.data }));
  }

  private answer(outputs: Tensor[], memory?: ArrayBuffer): void {
    const placed = this.givesText ? undefined : this.outputs.place(outputs.map(shapeOf));
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

  private post(message: FromThread, transfer?: ArrayBuffer[]): void {
    this.port.postMessage(message, transfer);
  }
}

function bufferOf({ data }: Tensor): ArrayBuffer[] {
  return Array.isArray(data) ? [] : [data.buffer as ArrayBuffer];
}

function shapeOf({ shape }: Tensor): Shape {
  return shape;
}

async function main(port: MessagePort, data: ThreadData): Promise<void> {
  lowerOwnPriority(data.niceness);
  const post = (message: FromThread): void => port.postMessage(message);
  let session: RuntimeSession;
  try {
    session = await openRuntime(data.options);
  } catch (error) {
    post({ kind: 'load-failed', reason: describeFailure(error, data.options.modelFile) });
    return;
  }
  post({ kind: 'ready', signature: { inputs: session.inputs, outputs: session.outputs } });
  await new ThreadSide(session, port, data).serve();
  await session.release();
}

if (parentPort) void main(parentPort, workerData as ThreadData);
