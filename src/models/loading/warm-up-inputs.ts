import { reasonOf } from '../../errors/domain-error';
import { allocate } from '../../tensors/datatype';
import { readInput } from '../../tensors/json/input-reader';
import { JsonReader } from '../../tensors/json/json-reader';
import { elementCount, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';

/** Inputs for one row, in the model's order. */
export type WarmUpInputs = readonly Tensor[];

/** Sizes tried for dynamic dimensions other than the rows, of which the graph may accept only some. */
const DYNAMIC_SIZES = [1, 8, 32, 64, 128, 224];

/**
 * Which dimension of an input may be its rows: the leading one, or else the first that is dynamic, as in the
 * `[layers, rows, width]` of a recurrent state.
 */
const ROWS: readonly ((declared: Shape) => number)[] = [() => 0, (declared) => declared.indexOf(-1)];

/** Zeros (empty strings, false) with every dynamic dimension at `size`, that of the rows at 1. */
function zeros(spec: TensorSpec, size: number, rows: number): Tensor {
  const shape = spec.shape.map((declared, i) => (declared >= 0 ? declared : i === rows ? 1 : size));
  const count = elementCount(shape);
  const data = spec.datatype === 'BYTES' ? new Array<string>(count).fill('') : allocate(spec.datatype, count);
  return { name: spec.name, datatype: spec.datatype, shape, data };
}

function zeroSamples(specs: readonly TensorSpec[]): WarmUpInputs[] {
  const hasOpenSizes = specs.some((spec) => spec.shape.slice(1).includes(-1));
  if (!hasOpenSizes) return [specs.map((spec) => zeros(spec, 1, 0))];
  return ROWS.flatMap((rowsOf) =>
    DYNAMIC_SIZES.map((size) => specs.map((spec) => zeros(spec, size, rowsOf(spec.shape)))),
  );
}

/** Sample inputs out of JSON values in the native form, as `example` and `warmup` in model.yaml give them. */
export function sampleFromJson(
  values: Readonly<Record<string, unknown>>,
  specs: readonly TensorSpec[],
): WarmUpInputs {
  return specs.map((spec) => {
    const body = Buffer.from(JSON.stringify(values[spec.name] ?? null));
    return readInput(new JsonReader(body), spec, body.length);
  });
}

/**
 * The first inputs that the model runs: the given sample, else zeros, trying sizes for the dimensions
 * that the model leaves open.
 * @returns what ran, or why nothing did
 */
export async function findWarmUpInputs(
  specs: readonly TensorSpec[],
  given: WarmUpInputs | undefined,
  run: (inputs: WarmUpInputs) => Promise<unknown>,
): Promise<{ sample: WarmUpInputs } | { reason: string }> {
  let reason = '';
  for (const sample of given ? [given] : zeroSamples(specs)) {
    try {
      await run(sample);
      return { sample };
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  return { reason };
}
