import { CLASSIFICATION } from './outputs/classification';
import { CTC } from './outputs/ctc';
import { DETECTION } from './outputs/detection';
import { EMBEDDING } from './outputs/embedding';
import type { DeclaredType } from './declared-type';
import { MASK } from './outputs/mask';
import { RAW } from './outputs/raw';
import { REGRESSION } from './outputs/regression';
import { RERANK } from './outputs/rerank';
import { TOKENS } from './outputs/tokens';
import type { OutputPlan } from './plans';

export type OutputType = DeclaredType<OutputPlan>;

/** Every `type:` that an output in `model.yaml` can have. */
export const OUTPUT_TYPES: readonly OutputType[] = [
  CLASSIFICATION,
  EMBEDDING,
  DETECTION,
  CTC,
  REGRESSION,
  MASK,
  RERANK,
  TOKENS,
  RAW,
];
