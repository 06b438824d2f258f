import { reasonOf } from '../errors/domain-error';
import type { ModelRunner, RequestInputs } from '../runners/runner';
import { printShape, elementCount } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import { rowsFault, sliceRows } from './batch';
import {
  OUTLIERS,
  PROBE_STYLES,
  type ProbeStyle,
  madeUp,
  MOST_MADE_UP_ELEMENTS,
  type RowPlan,
} from '../tensors/made-up';
import { rowDifference, sameElements } from './row-difference';

/** May requests of a model run together? If not, the reason for the log. */
export interface BatchCheck {
  readonly batchable: boolean;
  readonly reason?: string;
}

type Runner = Pick<ModelRunner, 'inputs' | 'run'>;

/** Sizes tried for dynamic dimensions after the leading one: a model may refuse those that its strides do not fit. */
const DYNAMIC_SIZES = [1, 8, 32, 64];
const SOUND: BatchCheck = { batchable: true };

/** Does the model declare a dynamic leading dimension for every input and output? */
export function declaresBatch(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): BatchCheck {
  if (inputs.length === 0) return no('the model has no inputs');
  return leadingFault('input', inputs) ?? leadingFault('output', outputs) ?? SOUND;
}

/**
 * Runs two rows singly and together, in both orders, and beside rows that stand out, which show what looks for the
 * largest, the sum or the mean of a batch: only if the results agree do the rows of a batch leave each other alone. A
 * declaration is not enough, as a graph may normalise or sort over all rows.
 * @param sample a request that the model is known to run; by default sizes are tried until one runs
 */
export async function verifyBatching(runner: Runner, sample?: RequestInputs): Promise<BatchCheck> {
  let reason = 'none of the sizes that were tried fits';
  for (const makeRow of sample === undefined ? rowsOfAnySize(runner.inputs) : [rowsLike(sample)]) {
    for (const style of PROBE_STYLES) {
      try {
        return await verifyRows(runner, makeRow, style);
      } catch (error) {
        reason = reasonOf(error);
      }
    }
  }
  return no(`the check could not run: ${reason}`);
}

function* rowsOfAnySize(inputs: readonly TensorSpec[]): Iterable<MakeRow> {
  const sized = inputs.some(({ shape }) => shape.indexOf(-1, 1) !== -1);
  for (const size of sized ? DYNAMIC_SIZES : [1]) {
    const makeRow = madeUpRows(inputs, size);
    if (makeRow !== undefined) yield makeRow;
  }
}

/** @throws what a run of a row alone fails with: the model does not take such rows */
async function verifyRows(runner: Runner, makeRow: MakeRow, style: ProbeStyle): Promise<BatchCheck> {
  const one = await aloneOf(runner, makeRow({ style, kind: 'plain', seed: 0 }));
  const other = await aloneOf(runner, otherRow(makeRow, style, one.row));
  const singleFault = rowsFault(one.outputs, 1) ?? rowsFault(other.outputs, 1);
  if (singleFault !== undefined) return no(singleFault);
  const batches: (readonly Probe[])[] = [
    [one, other],
    [other, one],
  ];
  if (style !== 'timid') {
    const [wild, high, low] = OUTLIERS.map((kind) => ({ row: makeRow({ style, kind, seed: 2 }) }));
    batches.push([wild!, other], [other, wild!], [high!, other], [other, low!]);
  }
  for (const batch of batches) {
    const fault = await togetherFault(runner, batch);
    if (fault !== undefined) return no(fault);
  }
  return SOUND;
}

/** A row, and what it gives alone where that is to be compared. */
interface Probe {
  readonly row: RequestInputs;
  readonly outputs?: readonly Tensor[];
}

async function aloneOf(runner: Runner, row: RequestInputs): Promise<Required<Probe>> {
  return { row, outputs: await runner.run([row]) };
}

/** What rows do not give together that they give alone. @throws what a run of one of them alone fails with */
async function togetherFault(runner: Runner, probes: readonly Probe[]): Promise<string | undefined> {
  const rows = probes.map(({ row }) => row);
  let together: Tensor[];
  try {
    together = await runner.run(rows);
  } catch (error) {
    for (const row of rows) await runner.run([row]);
    return `rows that run alone do not run together: ${reasonOf(error)}`;
  }
  const fault = rowsFault(together, rows.length);
  if (fault !== undefined) return fault;
  for (const [i, { outputs }] of probes.entries()) {
    const difference = outputs && rowDifference(outputs, sliceRows(together, i, 1, rows.length));
    if (difference !== undefined) return difference.reason;
  }
  return undefined;
}

/** A row that differs from the first: among made-up ones, one of two that follow each other does. */
function otherRow(makeRow: MakeRow, style: ProbeStyle, one: RequestInputs): RequestInputs {
  const other = makeRow({ style, kind: 'plain', seed: 1 });
  const differs = other.some((tensor, i) => !sameElements(tensor, one[i]!));
  return differs ? other : makeRow({ style, kind: 'plain', seed: 2 });
}

function leadingFault(kind: string, specs: readonly TensorSpec[]): BatchCheck | undefined {
  const fixed = specs.find(({ shape }) => shape[0] !== -1);
  return fixed && no(`${kind} "${fixed.name}" ${printShape(fixed.shape)} has no dynamic leading dimension`);
}

function no(reason: string): BatchCheck {
  return { batchable: false, reason };
}

/** Makes one row for each input. */
type MakeRow = (plan: RowPlan) => RequestInputs;

/** @param size stands for the dynamic dimensions after the leading one; undefined where that is too large to make */
function madeUpRows(specs: readonly TensorSpec[], size: number): MakeRow | undefined {
  const shapes = specs.map(({ shape }) =>
    shape.map((declared, axis) => (axis === 0 ? 1 : declared === -1 ? size : declared)),
  );
  if (shapes.some((shape) => elementCount(shape) > MOST_MADE_UP_ELEMENTS)) return undefined;
  return (plan) => specs.map((spec, i) => madeUp(spec, shapes[i]!, plan));
}

/** Rows of the sizes of a request that the model is known to run, whose own first row is the first timid one. */
function rowsLike(sample: RequestInputs): MakeRow {
  return (plan) =>
    sample.map((tensor) => {
      const rows = tensor.shape[0] ?? 0;
      if (plan.style === 'timid' && plan.seed === 0 && rows > 0) return sliceRows([tensor], 0, 1, rows)[0]!;
      return madeUp(tensor, [1, ...tensor.shape.slice(1)], plan);
    });
}
