import { acquireInput } from '../../tensors/array-pool';
import { OPEN_BRACKET } from '../../tensors/numbers/ascii';
import type { TensorData } from '../../tensors/datatype';
import type { JsonReader } from '../../tensors/json/json-reader';
import { printShape, type Shape } from '../../tensors/shape';
import type { TensorSpec } from '../../tensors/tensor';
import { readTensorData } from '../../tensors/json/tensor-reader';
import { inputFault } from './faults';

/** What FP16 is refused with wherever it would have to be JSON. */
export const NO_JSON_FP16 = 'FP16 has no JSON form in this protocol';

/**
 * Reads the `data` of an input at the cursor: its `count` elements in row-major order, in one flat array or
 * nested as its shape is.
 * @throws shape_mismatch for another number of elements or another nesting; wrong_datatype for FP16; what
 *   `readTensorData` throws
 */
export function readJsonData(reader: JsonReader, spec: TensorSpec, shape: Shape, count: number): TensorData {
  const { name, datatype } = spec;
  if (datatype === 'FP16') {
    throw inputFault(
      'wrong_datatype',
      name,
      `${NO_JSON_FP16}; send it in binary, with parameters.binary_data_size and the header Inference-Header-Content-Length`,
    );
  }
  if (shape.length > 0 && reader.peek() !== OPEN_BRACKET) reader.enterArray();
  // An element takes two bytes at the least: a shape that promises more than there can be costs nothing.
  const { data, shape: nesting } = readTensorData(reader, datatype, name, {
    expectedCount: count,
    maxCount: count,
    allocate: acquireInput,
  });
  if (data.length !== count) {
    throw inputFault(
      'shape_mismatch',
      name,
      `shape ${printShape(shape)} takes ${count} elements, data has ${data.length}`,
    );
  }
  if (count > 0 && nesting.length > 1 && !sameButForOnes(nesting, shape)) {
    throw inputFault(
      'shape_mismatch',
      name,
      `data is nested as ${printShape(nesting)}, which contradicts its shape ${printShape(shape)}`,
    );
  }
  return data;
}

/** Are two shapes the same once dimensions of 1, which change no order, are left out? */
function sameButForOnes(a: Shape, b: Shape): boolean {
  let i = 0;
  let j = 0;
  for (;;) {
    while (a[i] === 1) i++;
    while (b[j] === 1) j++;
    if (i === a.length || j === b.length) return i === a.length && j === b.length;
    if (a[i++] !== b[j++]) return false;
  }
}
