import type { ModelRunner, RequestInputs } from '../../runners/runner';
import type { Tensor, TensorSpec } from '../../tensors/tensor';

/** A run that waits for the test to end it. */
export interface GatedRun {
  readonly batch: readonly RequestInputs[];
  readonly rows: number;
  /** Answers with the doubled inputs. */
  finish(): void;
  finishWith(outputs: Tensor[]): void;
  fail(error: unknown): void;
}

/** A model that doubles its input `x`, of which the leading dimension and those after it are dynamic. */
export class FakeRunner implements ModelRunner {
  readonly inputs: readonly TensorSpec[] = [{ name: 'x', datatype: 'FP32', shape: [-1, -1] }];
  readonly outputs: readonly TensorSpec[] = [{ name: 'y', datatype: 'FP32', shape: [-1, -1] }];
  readonly runs: GatedRun[] = [];
  closed = false;

  /** @param onRun sees each run begin; what it throws, the runner throws */
  constructor(
    readonly concurrency = 1,
    private readonly onRun: (run: GatedRun) => void = () => undefined,
  ) {}

  /** The run that began last. */
  get last(): GatedRun {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error('no run has begun');
    return run;
  }

  run(batch: readonly RequestInputs[]): Promise<Tensor[]> {
    const outputs = doubled(batch);
    let resolve!: (outputs: Tensor[]) => void;
    let reject!: (error: unknown) => void;
    const result = new Promise<Tensor[]>((onResolve, onReject) => {
      resolve = onResolve;
      reject = onReject;
    });
    const rows = outputs[0]?.shape[0] ?? 0;
    const run = { batch, rows, finish: () => resolve(outputs), finishWith: resolve, fail: reject };
    this.runs.push(run);
    this.onRun(run);
    return result;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

/** `values` as rows of `width`. */
export function rowsOf(values: readonly number[], width = 1): RequestInputs {
  return [
    { name: 'x', datatype: 'FP32', shape: [values.length / width, width], data: Float32Array.from(values) },
  ];
}

export function valuesOf(tensors: readonly Tensor[] | RequestInputs): number[] {
  return Array.from(tensors[0]?.data as Float32Array);
}

function doubled(batch: readonly RequestInputs[]): Tensor[] {
  const values = batch.flatMap(valuesOf).map((value) => 2 * value);
  const width = batch[0]?.[0]?.shape[1] ?? 1;
  return [
    { name: 'y', datatype: 'FP32', shape: [values.length / width, width], data: Float32Array.from(values) },
  ];
}
