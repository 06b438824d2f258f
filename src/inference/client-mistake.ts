import { totalmem } from 'node:os';
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
    'Calculated output dimension is negative',
    'Invalid input shape: \\{',
    'requires input depth to be a multiple of',
    'last dimension of indices must not be larger than rank',
  ].join('|')})[^"]{0,200}`,
  'i',
);
/** Values that an operator cannot take, beside indices of those operators that say which: in its own words. */
const VALUE_REFUSED = new RegExp(
  `(?:${[
    'Integer (?:division|modulo) by zero',
    'k argument \\[-?\\d+\\] should not be greater than specified axis dim value',
    'value of k must not be negative',
    'invalid ind(?:ex|ice) (?:found|value)',
    'out of range value in index tensor',
    'index value out of bounds',
    'index is out of range',
    'batch_indices value -?\\d+ at index \\d+ is out of range',
    "[\\w' ]{0,40} must be in range \\[",
    "All '\\w+' values must be finite",
    'axis -?\\d+ is not in valid range',
    "'axes' has ",
    "'step' value cannot be 0",
    "Invalid value in 'split'",
    'Invalid sequence length',
    'Invalid value/s in sequence_lens',
    'delta in Range operator can not be zero',
    'the computed number of elements ',
    'Tile repeat value must be non-negative',
    'Tile output tensor would require more than',
    'Depth is negative',
    'Scale value (?:should|must) be',
    '(?:frame_step|dft_length) must be greater than zero',
    'At most one dimension can be -1',
    'A dimension cannot be less than -1',
    'The dimension with value zero exceeds the dimension size',
    'The requested shape has too many elements',
    'Ensure that the dft size is smaller than the signal',
  ].join('|')})[^"]{0,120}`,
  'i',
);
/** A text that an operator was to read as a number: it has no words of its own for that. */
const NO_NUMBER = /Status Message: sto(?:d|f|i|l|ll|ull)\b/;
/** A tensor whose size the runtime cannot even count. */
const NO_SIZE =
  /Status Message: Integer overflow|shape\.Size\(\) must (?:be )?>= ?0|Calculation for Tensor storage size overflowed/;
/** One that it can count. */
const NO_ROOM = /Failed to allocate memory for requested buffer of size (\d+)/;

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
  const value = valueRefused(error.message);
  if (value !== undefined) {
    const reason = `An input has a value that the model cannot take: ${value}.`;
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

/** What is wrong with a value; undefined where the runtime says nothing of one. */
function valueRefused(message: string): string | undefined {
  const [refused] = VALUE_REFUSED.exec(message) ?? [];
  if (refused !== undefined) return refused.trim().replace(/\.$/, '');
  if (NO_NUMBER.test(message)) return 'a text that is to be a number is none, or a too large one';
  if (NO_SIZE.test(message)) return 'it asks for a tensor of a negative size, or of one beyond all numbers';
  // What does not fit into this moment's memory may fit into the next one's; this never does.
  const bytes = Number(NO_ROOM.exec(message)?.[1] ?? 0);
  return bytes > totalmem() ? `it asks for a tensor of ${bytes} bytes` : undefined;
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
