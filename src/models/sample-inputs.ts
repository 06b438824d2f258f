import { reasonOf } from '../errors/domain-error';
import { allocate } from '../tensors/datatype';
import { readInput } from '../tensors/input-reader';
import { JsonReader } from '../tensors/json-reader';
import { elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** Inputs for one row, in the model's order. */
export type SampleInputs = readonly Tensor[];

/** Sizes tried for dynamic dimensions beyond the leading one, of which the graph may accept only some. */
const DYNAMIC_SIZES = [1, 8, 32, 64, 128, 224];

/** Zeros (empty strings, false) with every dynamic dimension at `size`, the leading one at 1. */
function zeros(spec: TensorSpec, size: number): Tensor {
  const shape = spec.shape.map((declared, i) => (declared >= 0 ? declared : i === 0 ? 1 : size));
  const count = elementCount(shape);
  const data = spec.datatype === 'BYTES' ? new Array<string>(count).fill('') : allocate(spec.datatype, count);
  return { name: spec.name, datatype: spec.datatype, shape, data };
}

/** Sample inputs out of JSON values in the native form, as `example` and `warmup` in model.yaml give them. */
export function sampleFromJson(
  values: Readonly<Record<string, unknown>>,
  specs: readonly TensorSpec[],
): SampleInputs {
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
export async function findSample(
  specs: readonly TensorSpec[],
  given: SampleInputs | undefined,
  run: (inputs: SampleInputs) => Promise<unknown>,
): Promise<{ sample: SampleInputs } | { reason: string }> {
  const hasOpenSizes = specs.some((spec) => spec.shape.slice(1).includes(-1));
  const candidates = given
    ? [given]
    : (hasOpenSizes ? DYNAMIC_SIZES : [1]).map((size) => specs.map((spec) => zeros(spec, size)));
  let reason = '';
  for (const sample of candidates) {
    try {
      await run(sample);
      return { sample };
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  return { reason };
}
