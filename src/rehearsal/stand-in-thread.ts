import { joinInputs, joinShapes, type RequestInputs } from '../sessions/input-batch';
import type { SessionSignature } from '../sessions/session-messages';
import type { RunnerThread } from '../sessions/session-runner';
import { giveBlockBack, takeBlock } from '../sessions/shared-blocks';
import { BlockReader, BlockWriter, copyTensor } from '../sessions/tensor-block';
import type { Tensor } from '../tensors/tensor';

/** Elements of each row. */
export const WIDTH = 4;
/** Makes of any input a number with as many digits as those of real answers. */
const FACTOR = 0.123456789;

/**
 * In the place of a session thread: tensors go through blocks of memory as they do on the way to a real one, and the
 * answer comes in a later turn of the event loop, but nothing is run.
 */
export class StandInThread implements RunnerThread {
  // A real one comes in a message: what is made here would be of another hidden class.
  readonly signature = structuredClone<SessionSignature>({
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, WIDTH] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, WIDTH] }],
  });
  readonly ended = new Promise<undefined>(() => undefined);
  private readonly inputMemory = takeBlock();
  private readonly outputMemory = takeBlock();
  private readonly inputs = new BlockWriter(this.signature.inputs, this.inputMemory);
  private readonly results = new BlockWriter(this.signature.outputs, this.outputMemory);
  private readonly outputs = new BlockReader(this.signature.outputs, this.outputMemory);

  run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    return new Promise((resolve) => {
      const specs = this.signature.inputs;
      const placed = this.inputs.place(joinShapes(specs, batch)) ?? [];
      joinInputs(specs, batch, placed);
      this.answer(placed[0]);
      setImmediate(() => resolve(this.outputs.read().map(copyTensor)));
    });
  }

  close(): Promise<void> {
    giveBlockBack(this.inputMemory);
    giveBlockBack(this.outputMemory);
    return Promise.resolve();
  }

  private answer(input: Tensor | undefined): void {
    const rows = input?.shape[0] ?? 0;
    const given = input?.data as Float32Array;
    const [result] = this.results.place([[rows, WIDTH]]) ?? [];
    const values = result?.data as Float32Array;
    for (let i = 0; i < values.length; i++) values[i] = given[i]! * FACTOR;
  }
}
