import type { Tensor } from '../../src/tensors/tensor';

/** The tolerances of ONNX's own runner (onnx.backend.test.loader). */
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/** What is wrong with an output; undefined when it is as the case has it, within the tolerances. */
export function differenceOf(actual: Tensor | undefined, expected: Tensor): string | undefined {
  const { name, datatype, shape, data } = expected;
  if (actual === undefined) return `"${name}" is missing`;
  if (actual.datatype !== datatype) return `"${name}" is ${actual.datatype}, not ${datatype}`;
  if (String(actual.shape) !== String(shape))
    return `"${name}" is [${actual.shape.join()}], not [${shape.join()}]`;
  if (actual.data.length !== data.length)
    return `"${name}" has ${actual.data.length} elements, not ${data.length}`;
  for (let index = 0; index < data.length; index++) {
    const [is, ought] = [actual.data[index], data[index]];
    if (!isClose(is, ought)) return `element ${index} of "${name}" is ${is}, not ${ought}`;
  }
  return undefined;
}

function isClose(actual: unknown, expected: unknown): boolean {
  if (Object.is(actual, expected)) return true;
  if (typeof actual !== 'number' || typeof expected !== 'number') return false;
  return Math.abs(actual - expected) <= ABSOLUTE + RELATIVE * Math.abs(expected);
}
