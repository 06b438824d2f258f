import type { BatchCheck } from '../../scheduling/batch-check';
import type { SeenRun, TriedRunner } from '../../scheduling/empty-inputs';
import type { TensorSpec, Tensor } from '../../tensors/tensor';
import { leadWithRows } from '../../scheduling/batch';
import type { WarmUpInputs } from './warm-up-inputs';
import { reasonOf } from '../../errors/domain-error';
import type { ModelProcessing } from '../../processing/model-processing';
import type { RequestInputs } from '../../runners/runner';
import { rowDifference } from '../../scheduling/row-difference';
import { padded } from '../../tensors/row-padding';

/** What runs have shown of a model. */
export interface Proof {
  /** Of its content and its settings; see `versionDigest`. */
  readonly digest: string;
  readonly seen: SeenRun | undefined;
  readonly batching: BatchCheck;
  readonly outputs: readonly TensorSpec[];
}

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

/**
 * Runs a short text alone and again with padding beside it: only if both give the same answer may texts of different
 * lengths run together. A mask says what is padding, but a model need not heed it.
 * @returns why they may not; undefined when they may, or would not
 */
export async function paddingFault(
  processing: ModelProcessing,
  runner: TriedRunner,
): Promise<string | undefined> {
  const request = processing.shortText();
  if (request === undefined) return undefined;
  let isPadded = false;
  const answer = (isLonger: boolean): Promise<readonly Tensor[]> =>
    processing.answer(request, { deadlineMs: Infinity }, async (inputs: RequestInputs, { padding }) => {
      if (!isLonger || padding === undefined) return { outputs: await runner.run([inputs]) };
      isPadded = true;
      return { outputs: await runner.run([inputs.map((one) => padded(one, padding.bucket, padding))]) };
    });
  try {
    const alone = await answer(false);
    const longer = await answer(true);
    const difference = isPadded ? rowDifference(alone, longer) : undefined;
    return difference && `padding beside a text changes its answer: ${difference.reason}`;
  } catch (error) {
    return `a text with padding beside it could not be run: ${reasonOf(error)}`;
  }
}
