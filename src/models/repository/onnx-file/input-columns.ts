import type { ModelGraph } from './model-graph';

/** An input of shape `[rows]` or `[rows, 1]`. */
export interface InputColumn {
  readonly name: string;
  /** Does the graph put a value in the place of NaN? */
  readonly isImputed: boolean;
}

/** TensorProto.DataType of FP32, FP16 and FP64. */
const FLOATS: ReadonlySet<number | undefined> = new Set([1, 10, 11]);
/** Operators behind which columns are still what they were. */
const PASSING: ReadonlySet<string> = new Set(['Concat', 'Cast', 'Identity', 'Reshape', 'Flatten']);

/** A model's inputs, where each of them is one column; none where any is not. */
export function inputColumns({ graph }: Pick<ModelGraph, 'graph'>): InputColumn[] {
  const inputs = graph.inputs.filter(({ name }) => !graph.constants.has(name));
  const isColumn = (shape: readonly number[] | undefined): boolean =>
    shape?.length === 1 || (shape?.length === 2 && shape[1] === 1);
  if (!inputs.every(({ shape }) => isColumn(shape))) return [];
  /** By the name of a value: the inputs that it consists of. */
  const from = new Map(inputs.map(({ name, type }) => [name, FLOATS.has(type) ? [name] : []]));
  const imputed = new Set<string>();
  for (const { operator, inputs: taken, outputs } of graph.nodes) {
    const names = taken.flatMap((name) => from.get(name) ?? []);
    if (operator === 'Imputer') for (const name of names) imputed.add(name);
    else if (PASSING.has(operator) && names.length > 0) from.set(outputs[0] ?? '', names);
  }
  return inputs.map(({ name }) => ({ name, isImputed: imputed.has(name) }));
}
