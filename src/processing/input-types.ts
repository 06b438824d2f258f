import { IMAGE } from './inputs/image';
import type { RawInputType } from './inputs/input-type';
import { TABLE } from './inputs/table';
import { TEXT } from './inputs/text';
import type { InputPlan } from './plans';

export type InputType = RawInputType<InputPlan>;

/** Every `type:` that an input in `model.yaml` can have. */
export const INPUT_TYPES: readonly InputType[] = [IMAGE, TABLE, TEXT];
