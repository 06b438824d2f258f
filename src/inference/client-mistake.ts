import { DomainError } from '../errors/domain-error';
import { printShape } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** What the runtime's operators say of an index that a client sent, a token's id mostly. */
const INDEX_OUT_OF_BOUNDS =
  /ind(?:ex|ices) element out of (?:data )?bounds, idx=(-?\d+) must be within the inclusive range \[(-?\d+), ?(-?\d+)\]/;
/** It looks at an input's shape before it runs. */
const INVALID_DIMENSIONS =
  /Got invalid dimensions for input: (\S+) for the following indices (.{1,300}?) Please fix/;
/** Two shapes that an operator cannot put together. */
const SHAPES_APART = new RegExp(
  `(?:${[
    'Attempting to broadcast an axis by a dimension other than 1',
    'MatMul dimension mismatch',
    'broadcast\\w* .{0,40}incompatible',
    'GEMM: Dimension mismatch',
    'Non concat axis dimensions must match',
    'Input channels C is not equal to kernel channels',
    'The input tensor cannot be reshaped to the requested shape',
    'invalid expand shape',
  ].join('|')})[^"]{0,200}`,
  'i',
);
/** Values that an operator cannot take, beside indices. */
const VALUE_REFUSED =
  /Integer division by zero|k argument \[-?\d+\] should not be greater than specified axis dim value \[\d+\]|invalid ind(?:ex|ice) (?:found|value)[^"]{0,80}/i;

/**
 * What a failed run is, as far as it shows: the client's mistake where sizes of inputs that have one name differ, or an
 * operator says which value or shape it cannot take; else what it was.
 */
export function clientMistake(
  error: unknown,
  specs: readonly TensorSpec[],
  inputs: readonly Tensor[],
): unknown {
  if (!(error instanceof DomainError) || error.code !== 'runtime_failure') return error;
  const apart = unlikeSizes(specs, inputs);
  if (apart !== undefined) return new DomainError('shape_mismatch', apart, { cause: error });
  const [, index, least, most] = INDEX_OUT_OF_BOUNDS.exec(error.message) ?? [];
  if (index !== undefined) {
    const reason = `The model looks something up at ${index}, and takes ${least} to ${most}: an input has a value that is out of range.`;
    return new DomainError('out_of_range', reason, { cause: error });
  }
  const [refused] = VALUE_REFUSED.exec(error.message) ?? [];
  if (refused !== undefined) {
    const reason = `An input has a value that the model cannot take: ${refused.trim()}.`;
    return new DomainError('out_of_range', reason, { cause: error });
  }
  const [, input, places] = INVALID_DIMENSIONS.exec(error.message) ?? [];
  if (input !== undefined) {
    return new DomainError('shape_mismatch', `Input "${input}" has a wrong size: ${places}`, {
      cause: error,
    });
  }
  const [said] = SHAPES_APART.exec(error.message) ?? [];
  if (said === undefined) return error;
  const sent = inputs.map(({ name, shape }) => `"${name}" ${printShape(shape)}`).join(', ');
  return new DomainError('shape_mismatch', `The inputs do not fit together (${sent}): ${said.trim()}`, {
    cause: error,
  });
}

/** Two sizes of what the model calls one dimension; undefined where all are alike. */
function unlikeSizes(specs: readonly TensorSpec[], inputs: readonly Tensor[]): string | undefined {
  const seen = new Map<string, { readonly input: string; readonly size: number }>();
  for (const { name, dimensions = [] } of specs) {
    const shape = inputs.find((input) => input.name === name)?.shape ?? [];
    for (const [i, dimension] of dimensions.entries()) {
      const size = shape[i];
      if (dimension === null || size === undefined) continue;
      const first = seen.get(dimension);
      if (first === undefined) seen.set(dimension, { input: name, size });
      else if (first.size !== size) {
        return `Dimension ${dimension} must have one size: it is ${first.size} in input "${first.input}" and ${size} in input "${name}".`;
      }
    }
  }
  return undefined;
}
