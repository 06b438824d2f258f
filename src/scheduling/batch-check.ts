import { reasonOf } from '../errors/domain-error';
import type { ModelRunner, RequestInputs } from '../runners/runner';
import { halfToNumber } from '../tensors/numbers/float16';
import { printShape } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { rowsFault, sliceRows } from './batch';
import { madeUpRows, type MakeRow, rowsLike } from './probe-rows';

/** May requests of a model run together? If not, the reason for the log. */
export interface BatchCheck {
  readonly batchable: boolean;
  readonly reason?: string;
}

/** Kernels add in another order for another batch, so floats of the same row may differ by so much. */
const RELATIVE_TOLERANCE = 1e-4;
const ABSOLUTE_TOLERANCE = 1e-5;
/** A half has 11 bits: twice the distance of neighbours. */
const HALF_TOLERANCE = 2 ** -9;

/** Sizes tried for dynamic dimensions after the leading one: a model may refuse those that its strides do not fit. */
const DYNAMIC_SIZES = [1, 8, 32, 64];

/** Does the model declare a dynamic leading dimension for every input and output? */
export function declaresBatch(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): BatchCheck {
  if (inputs.length === 0) return no('the model has no inputs');
  return leadingFault('input', inputs) ?? leadingFault('output', outputs) ?? { batchable: true };
}

/**
 * Runs two different rows singly and together: only if the results agree do the rows of a batch leave each other
 * alone. A declaration is not enough, as a graph may normalise or sort over all rows.
 * @param rows a request that the model is known to run, or what makes rows; by default they are made up
 */
export async function verifyBatching(
  runner: Pick<ModelRunner, 'inputs' | 'run'>,
  rows: RequestInputs | MakeRow = madeUpRows(runner.inputs),
): Promise<BatchCheck> {
  const makeRow = typeof rows === 'function' ? rows : rowsLike(rows);
  const sized = typeof rows === 'function' && runner.inputs.some(({ shape }) => shape.indexOf(-1, 1) !== -1);
  let reason = '';
  for (const size of sized ? DYNAMIC_SIZES : [1]) {
    const one = makeRow(0, size);
    try {
      const outputs = await runner.run([one]);
      return await compareRuns(runner, one, outputs, otherRow(makeRow, size, one));
    } catch (error) {
      reason = reasonOf(error);
    }
  }
  return no(`the check could not run: ${reason}`);
}

async function compareRuns(
  runner: Pick<ModelRunner, 'run'>,
  one: RequestInputs,
  ofOne: Tensor[],
  other: RequestInputs,
): Promise<BatchCheck> {
  const ofOther = await runner.run([other]);
  const singleFault = rowsFault(ofOne, 1) ?? rowsFault(ofOther, 1);
  if (singleFault !== undefined) return no(singleFault);
  const together = await runner.run([one, other]);
  const batchFault = rowsFault(together, 2);
  if (batchFault !== undefined) return no(batchFault);
  const fault =
    difference(ofOne, sliceRows(together, 0, 1, 2)) ?? difference(ofOther, sliceRows(together, 1, 1, 2));
  return fault === undefined ? { batchable: true } : no(fault);
}

/** A row that differs from the first: among made-up ones, one of two that follow each other does. */
function otherRow(makeRow: MakeRow, size: number, one: RequestInputs): RequestInputs {
  const other = makeRow(1, size);
  return other.some((tensor, i) => !sameElements(tensor, one[i]!)) ? other : makeRow(2, size);
}

function leadingFault(kind: string, specs: readonly TensorSpec[]): BatchCheck | undefined {
  const fixed = specs.find(({ shape }) => shape[0] !== -1);
  return fixed && no(`${kind} "${fixed.name}" ${printShape(fixed.shape)} has no dynamic leading dimension`);
}

/** Where a row's result alone is not its result in a batch; undefined when it is. */
function difference(alone: readonly Tensor[], batched: readonly Tensor[]): string | undefined {
  if (alone.length !== batched.length) return 'a batch has other outputs than a row alone';
  for (let i = 0; i < alone.length; i++) {
    const one = alone[i]!;
    const other = batched[i]!;
    if (printShape(one.shape) !== printShape(other.shape)) {
      return `output "${one.name}" is ${printShape(one.shape)} alone and ${printShape(other.shape)} in a batch`;
    }
    if (!sameElements(one, other)) return `output "${one.name}" of a row differs in a batch`;
  }
  return undefined;
}

function sameElements(one: Tensor, other: Tensor): boolean {
  for (let i = 0; i < one.data.length; i++) {
    if (!sameElement(one.data[i]!, other.data[i]!, one.datatype)) return false;
  }
  return true;
}

function sameElement(
  a: number | bigint | string,
  b: number | bigint | string,
  datatype: Tensor['datatype'],
): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'number' || typeof b !== 'number') return false;
  if (datatype === 'FP32' || datatype === 'FP64') return near(a, b, RELATIVE_TOLERANCE);
  return datatype === 'FP16' && near(halfToNumber(a), halfToNumber(b), HALF_TOLERANCE);
}

function near(a: number, b: number, relativeTolerance: number): boolean {
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Object.is(a, b);
  return Math.abs(a - b) <= ABSOLUTE_TOLERANCE + relativeTolerance * Math.max(Math.abs(a), Math.abs(b));
}

function no(reason: string): BatchCheck {
  return { batchable: false, reason };
}
