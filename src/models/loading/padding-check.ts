import { reasonOf } from '../../errors/domain-error';
import type { ModelProcessing } from '../../processing/model-processing';
import type { RequestInputs } from '../../runners/runner';
import type { TriedRunner } from '../../scheduling/empty-inputs';
import { rowDifference } from '../../scheduling/row-difference';
import { padded } from '../../scheduling/row-padding';
import type { Tensor } from '../../tensors/tensor';

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
