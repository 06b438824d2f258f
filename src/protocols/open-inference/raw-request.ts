import { DomainError } from '../../errors/domain-error';
import { elementBytes } from '../../tensors/datatype';
import { inferShape, printShape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { elementsOf, textOf } from './binary-data';
import { inputFault, list } from './faults';

/**
 * The one tensor of a body without any JSON: its shape is the model's, a batch of one row, of which at most
 * one other dimension may be open. For BYTES the body is the text of its only element, without a length.
 * @throws invalid_request when the model leaves more than that open; shape_mismatch when the size does not fit
 */
export function readRawRequest(body: Buffer, specs: readonly TensorSpec[]): Tensor[] {
  const spec = specs[0];
  if (spec === undefined || specs.length > 1) {
    throw new DomainError(
      'invalid_request',
      `A request without JSON (Inference-Header-Content-Length: 0) is for models with one input; this one takes ${list(specs)}.`,
    );
  }
  const { name, datatype } = spec;
  const declared = rowOf(spec.shape);
  if (declared.filter((size) => size === -1).length > 1) {
    throw inputFault(
      'invalid_request',
      name,
      `its shape ${printShape(spec.shape)} has more than one open dimension, so a request without JSON cannot say which one is meant`,
    );
  }
  const count = datatype === 'BYTES' ? 1 : body.length / elementBytes(datatype);
  const shape = inferShape(count, declared);
  if (shape === undefined) {
    throw inputFault(
      'shape_mismatch',
      name,
      datatype === 'BYTES'
        ? `a request without JSON carries one element, its shape ${printShape(declared)} takes more`
        : `${body.length} bytes do not fill ${datatype} of shape ${printShape(declared)}`,
    );
  }
  const data =
    datatype === 'BYTES'
      ? [textOf(body, 0, body.length, name, 0)]
      : elementsOf(body, 0, body.length, spec, shape, count);
  return [{ name, datatype, shape, data }];
}

/** A declared shape with its leading dimension, where that is open and not the only one, as a batch of one row. */
function rowOf(declared: readonly number[]): readonly number[] {
  return declared.length > 1 && declared[0] === -1 ? [1, ...declared.slice(1)] : declared;
}
