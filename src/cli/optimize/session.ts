import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import { openRuntime } from '../../runners/onnx/runtime';
import type { RuntimeSession } from '../../runners/onnx/runtime-session';
import type { SessionOptions } from '../../runners/onnx/session-options';
import type { Tensor } from '../../tensors/tensor';
import { groupsOf, type Joining, type Row, rowOf, together, ZEROS_BEHIND } from './rows';

/** Rows that run together. */
const MOST_TOGETHER = 8;

/** How the server opens the model, by its `model.yaml`. */
export type Settings = Pick<
  SessionOptions,
  'graphOptimization' | 'intraOpThreads' | 'interOpThreads' | 'executionProviders'
>;

/** One loaded form of the model, in this thread: between runs it looks whether it is to stop. */
export class Session {
  private constructor(
    private readonly runtime: RuntimeSession,
    private readonly stop: AbortSignal,
  ) {}

  static async open(
    modelFile: string,
    settings: Settings,
    stop: AbortSignal,
    more: Partial<SessionOptions> = {},
  ): Promise<Session> {
    stop.throwIfAborted();
    return new Session(await openRuntime({ int8: true, ...settings, ...more, modelFile }), stop);
  }

  /** The same as `open`, closed again whatever comes of it. */
  static async with<Value>(
    modelFile: string,
    settings: Settings,
    stop: AbortSignal,
    use: (session: Session) => Promise<Value>,
    more: Partial<SessionOptions> = {},
  ): Promise<Value> {
    const session = await Session.open(modelFile, settings, stop, more);
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  }

  async run(inputs: Row): Promise<Tensor[]> {
    // Signals and timers have their turn.
    await turnOfTheLoop();
    this.stop.throwIfAborted();
    const outputs = await this.runtime.run(inputs);
    // In memory of its own: the runtime may use its again.
    return outputs.map(({ name, datatype, shape, data }) => ({ name, datatype, shape, data: data.slice() }));
  }

  /** CPU time of one run. */
  async cpuMs(inputs: Row): Promise<number> {
    await turnOfTheLoop();
    this.stop.throwIfAborted();
    const before = process.cpuUsage();
    await this.runtime.run(inputs);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  /** The outputs of each row, as far as they may run together. */
  async answers(rows: readonly Row[], joining: Joining | undefined): Promise<Tensor[][]> {
    const answers = new Map<Row, Tensor[]>();
    for (const group of groupsOf(rows, MOST_TOGETHER, joining)) {
      const outputs = await this.run(together(group, joining ?? ZEROS_BEHIND));
      group.forEach((row, i) => answers.set(row, rowOf(outputs, i, group.length)));
    }
    return rows.map((row) => answers.get(row)!);
  }

  async close(): Promise<void> {
    await this.runtime.release();
  }
}
