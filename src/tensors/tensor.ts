import type { Datatype, TensorData } from './datatype';
import type { Shape } from './shape';

/** One named array: row-major elements of `datatype`, as many as the shape's product. */
export interface Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  readonly data: TensorData;
}

/** What a model declares of one input or output; `-1` in the shape is a dynamic dimension. */
export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  /** The names that the model has for its dimensions, null for those without one; left out where none has. */
  readonly dimensions?: readonly (string | null)[];
  /** What the places of its last dimension mean, where the model says so: the classes of a classifier. */
  readonly labels?: readonly string[];
}
