import type { ImagePlan } from './images/image-plan';
import type { ClassificationPlan } from './outputs/classification';
import type { CtcPlan } from './outputs/ctc';
import type { DetectionPlan } from './outputs/detection';
import type { EmbeddingPlan } from './outputs/embedding';
import type { MaskPlan } from './outputs/mask';
import type { RawPlan } from './outputs/raw';
import type { RegressionPlan } from './outputs/regression';
import type { RerankPlan } from './outputs/rerank';
import type { TokensPlan } from './outputs/tokens';
import type { TablePlan } from './table/table-plan';
import type { TextPlan } from './text/text-plan';

/**
 * A declared input, checked against the model: all that a processing thread needs to make tensors of raw inputs. Plain
 * data, as it goes to other threads. A new type is a member here, a case in `pool/processing-thread.entry.ts` and a line in
 * `input-types.ts`.
 */
export type InputPlan = ImagePlan | TablePlan | TextPlan;

/** Has anything to be loaded or tried before such inputs can be taken? For rows of tables there is nothing. */
export function needsOpening(inputs: readonly InputPlan[]): boolean {
  return inputs.some(({ type }) => type !== 'table');
}

/** A declared output, checked likewise. A new type is a member here, a case in `finish.ts`, a line in `output-types.ts`. */
export type OutputPlan =
  | ClassificationPlan
  | EmbeddingPlan
  | DetectionPlan
  | CtcPlan
  | RegressionPlan
  | MaskPlan
  | RerankPlan
  | TokensPlan
  | RawPlan;
