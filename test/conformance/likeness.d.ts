import type { Tensor } from '../../src/tensors/tensor';
/** What is wrong with an output; undefined when it is as the case has it, within the tolerances. */
export declare function differenceOf(actual: Tensor | undefined, expected: Tensor): string | undefined;
