import type { JsonWriter } from '../tensors/json/json-writer';
import type { Tensor } from '../tensors/tensor';
import { printRow, tensorsOf } from './finish';
import type { OutputPlan } from './plans';

/** An answer by declared outputs. */
export interface DeclaredAnswer {
  readonly plans: readonly OutputPlan[];
  /** What `finishAll` made of them. */
  readonly outputs: readonly Tensor[];
  /** One value for each row, or the value of the only one? */
  readonly isList: boolean;
}

/** `{"labels":[...]}`, a value for each declared output, or a list of them. */
export function writeDeclared(writer: JsonWriter, { plans, outputs, isList }: DeclaredAnswer): void {
  writer.raw('{');
  for (const [index, plan] of plans.entries()) {
    if (index > 0) writer.raw(',');
    writer.string(plan.name);
    writer.raw(':');
    const tensors = tensorsOf(plan, outputs);
    if (isList) writeRows(writer, plan, tensors);
    else printRow(plan, tensors, 0, writer);
  }
  writer.raw('}');
}

function writeRows(writer: JsonWriter, plan: OutputPlan, tensors: readonly Tensor[]): void {
  writer.raw('[');
  for (let row = 0; row < rowsOf(tensors); row++) {
    if (row > 0) writer.raw(',');
    printRow(plan, tensors, row, writer);
  }
  writer.raw(']');
}

/** The same of a list as lines, an object for each row with its value of each output. */
export function writeDeclaredLines(
  writer: JsonWriter,
  { plans, outputs }: DeclaredAnswer,
  rows: number,
): void {
  const columns = plans.map((plan) => ({ plan, tensors: tensorsOf(plan, outputs) }));
  for (let row = 0; row < rows; row++) {
    for (const [index, { plan, tensors }] of columns.entries()) {
      writer.raw(index === 0 ? '{' : ',');
      writer.string(plan.name);
      writer.raw(':');
      printRow(plan, tensors, row, writer);
    }
    writer.raw('}\n');
  }
}

/** Has each declared output so many rows? */
export function hasRows({ plans, outputs }: DeclaredAnswer, rows: number): boolean {
  return plans.every((plan) => rowsOf(tensorsOf(plan, outputs)) === rows);
}

/** Where elements are counted by row, their number is that of the counts. */
function rowsOf(tensors: readonly Tensor[]): number {
  const counts = tensors.find(({ name }) => name.endsWith('.counts'));
  return (counts ?? tensors[0])?.shape[0] ?? 0;
}
