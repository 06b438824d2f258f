import { leadWithRows } from '../../scheduling/batch';
import type { TriedRunner } from '../../scheduling/empty-inputs';
import type { TensorSpec } from '../../tensors/tensor';
import type { WarmUpInputs } from './warm-up-inputs';

/**
 * A model's outputs, of which those are rows that two rows show to be: some converters declare the label of a classifier
 * as `[1]`, beside inputs of any number of rows, and it has one for each of them all the same.
 * @param sample a request that the model was seen to take
 */
export async function shownOutputs(
  { inputs, outputs, run }: TriedRunner,
  sample: WarmUpInputs | undefined,
): Promise<readonly TensorSpec[]> {
  const rows = sample?.[0]?.shape[0] ?? 0;
  const isDoubtful = ({ shape }: TensorSpec): boolean => shape[0] === 1;
  if (sample === undefined || rows === 0 || !outputs.some(isDoubtful)) return outputs;
  if (inputs.some(({ shape }) => shape[0] !== -1) || !leadWithRows(sample, rows)) return outputs;
  try {
    const given = await run([sample, sample]);
    return outputs.map((spec, i) => {
      if (!isDoubtful(spec) || given[i]?.shape[0] !== 2 * rows) return spec;
      return { ...spec, shape: [-1, ...spec.shape.slice(1)] };
    });
  } catch {
    // It is as it says: no two rows.
    return outputs;
  }
}
