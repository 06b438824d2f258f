import { DomainError } from '../errors/domain-error';
import type { ModelRunner, RequestInputs } from '../runners/runner';
import { isSameShape, printShape, type Shape } from '../tensors/shape';
import { allocate } from '../tensors/datatype';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** What a model was seen to take and give: what is known of it without a run. */
export interface SeenRun {
  readonly inputs: readonly Tensor[];
  readonly outputShapes: readonly Shape[];
  /** What it gave, where that is little: an example for people. */
  readonly outputs?: readonly Tensor[];
}

/**
 * The first input without elements. Kernels of the runtime divide by their number or read the first one, and the
 * process ends: GRU and LSTM abort, TopK divides by 0, ConvTranspose reads what is not there.
 */
export function emptyInput(inputs: RequestInputs): Tensor | undefined {
  for (let i = 0; i < inputs.length; i++) if (inputs[i]!.data.length === 0) return inputs[i];
  return undefined;
}

export function refusalOf({ name, shape }: Tensor): DomainError {
  return new DomainError(
    'shape_mismatch',
    `Input "${name}": shape ${printShape(shape)} has no elements, and the model is run with nothing that has none (allow_empty in its model.yaml).`,
  );
}

/** What is tried of a runner before it serves. */
export type TriedRunner = Pick<ModelRunner, 'inputs' | 'outputs' | 'run'>;

/** The same runner, which refuses inputs without elements. */
export function neverEmpty(runner: TriedRunner): TriedRunner {
  return {
    inputs: runner.inputs,
    outputs: runner.outputs,
    run: async (batch) => {
      const empty = batch.map(emptyInput).find((input) => input !== undefined);
      if (empty !== undefined) throw refusalOf(empty);
      return runner.run(batch);
    },
  };
}

/**
 * What a batch of no rows gives: outputs of no rows, whose other sizes are those that were seen. Only for a model whose
 * batches were verified.
 * @throws shape_mismatch when that is not known: inputs of other sizes, of which an output's may depend
 */
export function outputsOfNoRows(
  specs: readonly TensorSpec[],
  inputs: RequestInputs,
  seen: SeenRun,
): Tensor[] | undefined {
  if (inputs.some(({ shape }) => shape[0] !== 0)) return undefined;
  const alike = inputs.every(({ shape }, i) => sameRows(shape, seen.inputs[i]!.shape));
  return specs.map(({ name, datatype, shape: declared }, i) => {
    const trailing = alike ? seen.outputShapes[i]!.slice(1) : declared.slice(1);
    const open = trailing.includes(-1);
    if (open) {
      const other = inputs.find(({ shape }, at) => !sameRows(shape, seen.inputs[at]!.shape))!;
      throw new DomainError(
        'shape_mismatch',
        `Input "${other.name}": of no rows of shape ${printShape(other.shape)} it is not known which sizes output "${name}" has.`,
      );
    }
    const shape = [0, ...trailing];
    return { name, datatype, shape, data: datatype === 'BYTES' ? [] : allocate(datatype, 0) };
  });
}

/** Are rows of one shape those of another? One that comes without rows may not say how large they are. */
function sameRows(shape: Shape, seen: Shape): boolean {
  const rows = shape.slice(1);
  return isSameShape(rows, seen.slice(1)) || rows.includes(0);
}
