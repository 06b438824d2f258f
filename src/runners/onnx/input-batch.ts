import { DomainError } from '../../errors/domain-error';
import { elementCount, printShape, type Shape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { RequestInputs } from '../runner';
import { copyElements } from './tensor-block';

/** The shape of each input of the batch: a single request's own, or the rows of all of them. */
export function joinShapes(specs: readonly TensorSpec[], batch: readonly RequestInputs[]): Shape[] {
  return specs.map((spec, position) => {
    const { shape } = inputAt(batch[0], position, spec);
    if (batch.length === 1) return shape;
    let rows = 0;
    for (const inputs of batch) rows += inputAt(inputs, position, spec).shape[0] ?? NaN;
    return [rows, ...shape.slice(1)];
  });
}

/**
 * Writes the rows of all requests into the joined tensors, one request after the other.
 * @returns the data of the BYTES inputs by position; undefined when the model has none
 * @throws DomainError when an input is not what its datatype and shape say
 */
export function joinInputs(
  specs: readonly TensorSpec[],
  batch: readonly RequestInputs[],
  joined: readonly Tensor[],
): (string[] | undefined)[] | undefined {
  let texts: (string[] | undefined)[] | undefined;
  specs.forEach((spec, position) => {
    const target = inputAt(joined, position, spec);
    checkLength(spec, target.shape, batch, position);
    if (Array.isArray(target.data)) {
      texts ??= [];
      texts[position] = batch.flatMap((inputs) => textOf(inputAt(inputs, position, spec)));
      return;
    }
    let offset = 0;
    for (const inputs of batch) {
      const { data } = inputAt(inputs, position, spec);
      if (Array.isArray(data)) throw wrongDatatype(spec);
      copyElements(data, target.data, offset);
      offset += data.length;
    }
  });
  return texts;
}

function textOf(input: Tensor): string[] {
  const { name, data } = input;
  if (!Array.isArray(data)) throw wrongDatatype({ ...input, datatype: 'BYTES' });
  // The runtime takes strings as C does, and would silently drop what follows.
  const cut = data.findIndex((text) => text.includes('\0'));
  if (cut === -1) return data;
  throw new DomainError(
    'invalid_request',
    `input '${name}': element ${cut} contains a NUL character, which the runtime cannot carry`,
  );
}

function inputAt(inputs: RequestInputs | undefined, position: number, { name }: TensorSpec): Tensor {
  const tensor = inputs?.[position];
  if (tensor === undefined) throw new DomainError('missing_input', `input '${name}' is missing`);
  return tensor;
}

/** Were the elements fewer than the shape says, a run would read what an earlier one left in memory. */
function checkLength(
  spec: TensorSpec,
  shape: Shape,
  batch: readonly RequestInputs[],
  position: number,
): void {
  let length = 0;
  for (const inputs of batch) length += inputAt(inputs, position, spec).data.length;
  if (length === elementCount(shape)) return;
  throw new DomainError(
    'shape_mismatch',
    `input '${spec.name}' has ${length} elements; its shape ${printShape(shape)} takes ${elementCount(shape)}`,
  );
}

function wrongDatatype({ name, datatype }: TensorSpec): DomainError {
  return new DomainError('wrong_datatype', `input '${name}' is not ${datatype}`);
}
