import type { SchemaObject } from './openapi-types';
import type { Datatype } from '../../tensors/datatype';
import type { TensorSpec } from '../../tensors/tensor';

const INTEGER_RANGE: Partial<Record<Datatype, [number, number]>> = {
  UINT8: [0, 2 ** 8 - 1],
  UINT16: [0, 2 ** 16 - 1],
  UINT32: [0, 2 ** 32 - 1],
  INT8: [-(2 ** 7), 2 ** 7 - 1],
  INT16: [-(2 ** 15), 2 ** 15 - 1],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
};

/** The JSON form of one element. */
function elementSchema(datatype: Datatype): SchemaObject {
  switch (datatype) {
    case 'BOOL':
      return { type: 'boolean' };
    case 'BYTES':
      return { type: 'string' };
    case 'FP16':
    case 'FP32':
    case 'FP64':
      return { oneOf: [{ type: 'number' }, { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] }] };
    case 'INT64':
    case 'UINT64':
      return { oneOf: [{ type: 'integer' }, { type: 'string', pattern: '^-?[0-9]+$' }] };
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
    case 'INT8':
    case 'INT16':
    case 'INT32': {
      const [minimum, maximum] = INTEGER_RANGE[datatype] ?? [0, 0];
      return { type: 'integer', minimum, maximum };
    }
  }
}

/** Nested arrays of a tensor's declared shape; a dynamic dimension has any length. */
export function nestedSchema(spec: TensorSpec): SchemaObject {
  return spec.shape.reduceRight<SchemaObject>(
    (items, size) => ({ type: 'array', items, ...(size >= 0 && { minItems: size, maxItems: size }) }),
    elementSchema(spec.datatype),
  );
}

/** A tensor's elements in row-major order, without nesting. */
export function flatSchema(spec: TensorSpec): SchemaObject {
  return { type: 'array', items: elementSchema(spec.datatype) };
}

/** What a schema cannot say: `FP32 [-1, 8, 8]`. */
export function tensorCaption(spec: TensorSpec): string {
  return `${spec.datatype} [${spec.shape.join(', ')}]`;
}
