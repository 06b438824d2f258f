import { ElementSink } from '../../tensors/json/element-sink';
import {
  DOUBLE_RANGES,
  INTEGER_RANGES,
  isFloat,
  type Datatype,
  type NumericDatatype,
} from '../../tensors/datatype';
import type { Tensor } from '../../tensors/tensor';
import { type Cell, CellFault, shown } from './cell';
import type { CellValue, ColumnPlan, TableTensorPlan } from './table-plan';

/** One of the model's inputs in the making: cells come row by row, in the order of its columns. */
export class TensorBuilder {
  private readonly texts: string[] = [];
  private readonly numbers: ElementSink | undefined;

  constructor(private readonly plan: TableTensorPlan) {
    const { datatype } = plan;
    this.numbers = datatype === 'BYTES' ? undefined : new ElementSink(datatype, 2 * plan.columns.length);
  }

  /** @throws CellFault when the cell is empty and must not be, or is none of the column's values, or out of range */
  add(column: ColumnPlan, cell: Cell): void {
    const value = cell ?? column.missing;
    if (value === undefined) throw new CellFault('has no value');
    if (
      cell !== undefined &&
      column.values?.includes(typeof cell === 'bigint' ? String(cell) : cell) === false
    ) {
      throw new CellFault(`expected one of ${listed(column.values)}, got ${shown(cell)}`);
    }
    if (this.numbers === undefined) this.texts.push(textOf(value));
    else addNumber(this.numbers, value);
  }

  finish(rows: number): Tensor {
    const { to: name, datatype, isMatrix, columns } = this.plan;
    const shape = isMatrix ? [rows, columns.length] : [rows];
    // Its own memory, which changes threads.
    return { name, datatype, shape, data: this.numbers?.finish().slice() ?? this.texts };
  }
}

function textOf(value: Exclude<Cell, undefined>): string {
  const text = String(value);
  if (text.includes('\0')) throw new CellFault('has a NUL character, which the runtime cannot carry');
  return text;
}

function addNumber(sink: ElementSink, value: Exclude<Cell, undefined>): void {
  const { datatype } = sink;
  sink.reserve();
  if (typeof value === 'bigint' || typeof value === 'string') return addDigits(sink, BigInt(value));
  const number = Number(value);
  if (datatype !== 'BOOL' && !fits(number, datatype)) throw outOfRange(value, datatype);
  sink.push(number);
}

/** NaN and the infinities fit floats; whole numbers beyond 2^53 come as digits. */
function fits(value: number, datatype: Exclude<NumericDatatype, 'BOOL'>): boolean {
  if (!Number.isFinite(value)) return isFloat(datatype);
  const [least, most] = DOUBLE_RANGES[datatype];
  return value >= least && value <= most;
}

function addDigits(sink: ElementSink, value: bigint): void {
  const { datatype, array } = sink;
  if (datatype === 'INT64' || datatype === 'UINT64') {
    const [least, most] = INTEGER_RANGES[datatype];
    if (value < least || value > most) throw outOfRange(value, datatype);
    (array as BigInt64Array | BigUint64Array)[sink.count++] = value;
    return;
  }
  if (!isFloat(datatype)) throw outOfRange(value, datatype);
  sink.push(Number(value));
}

function outOfRange(value: number | bigint | boolean, datatype: Datatype): CellFault {
  return new CellFault(`is ${shown(value)}, which ${datatype} does not hold`);
}

function listed(values: readonly CellValue[]): string {
  const few = values.slice(0, 8).map(shown).join(', ');
  return values.length > 8 ? `${few} and ${values.length - 8} more` : few;
}
