import { openImages } from '../images/prepare-images';
import { prepareTable } from '../table/prepare-table';
import { openTexts } from '../text/prepare-texts';
import type { InputPlan } from '../plans';
import type { ProcessingLimits } from './messages';
import type { Preparer } from './preparer';

/** What makes the tensors of a declared input, opened on a processing thread: a tokenizer is loaded here. */
export function openPreparer(plan: InputPlan, limits: ProcessingLimits): Preparer | Promise<Preparer> {
  switch (plan.type) {
    case 'image':
      return openImages(plan, limits);
    case 'text':
      return openTexts(plan);
    case 'table':
      return { prepare: (raw) => [{ tensors: prepareTable(plan, raw, limits.tables) }] };
  }
}
