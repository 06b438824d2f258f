import { DomainError } from '../../errors/domain-error';
import type { NumericArray, NumericDatatype } from '../../tensors/datatype';
import { JsonWriter } from '../../tensors/json/json-writer';
import { halfToNumber } from '../../tensors/numbers/float16';
import type { Tensor } from '../../tensors/tensor';

/** How an output is answered by its best classes. */
export interface BestClasses {
  /** So many at the most. */
  readonly count: number;
  /** Does the model declare the leading dimension as the rows? */
  readonly byRows: boolean;
  /** What the classes are called, where the model says so. */
  readonly labels?: readonly string[];
}

/**
 * The best classes of an output in place of its values: BYTES `value:index`, with labels `value:index:label`, best first, for each row as many as were
 * asked for or there are. An output of one dimension is one row, unless that dimension is the rows.
 * https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
 * @throws wrong_datatype for text
 */
export function bestClasses(
  { name, datatype, shape, data }: Tensor,
  { count, byRows, labels }: BestClasses,
): Tensor {
  if (datatype === 'BYTES') {
    throw new DomainError(
      'wrong_datatype',
      `Output "${name}": classification needs numbers, and it is BYTES.`,
    );
  }
  const values = data as NumericArray;
  const hasRows = shape.length > 1 || byRows;
  const rows = hasRows ? (shape[0] ?? 1) : 1;
  const classes = rows === 0 ? 0 : values.length / rows;
  const most = Math.min(count, classes);
  const texts: string[] = [];
  for (let row = 0; row < rows; row++) {
    const from = row * classes;
    for (const index of bestOf(values, datatype, from, classes, most)) {
      const label = labels?.[index];
      const text = `${printed(values, datatype, from + index)}:${index}`;
      texts.push(label === undefined ? text : `${text}:${label}`);
    }
  }
  return { name, datatype: 'BYTES', shape: hasRows ? [rows, most] : [most], data: texts };
}

/** Indices of the largest values, largest first, of equal ones the first; NaN is less than any number. */
function bestOf(
  values: NumericArray,
  datatype: NumericDatatype,
  from: number,
  classes: number,
  most: number,
): number[] {
  const best: number[] = [];
  for (let index = 0; index < classes; index++) {
    let place = best.length;
    while (place > 0 && isLess(values, datatype, from + best[place - 1]!, from + index)) place--;
    if (place >= most) continue;
    best.splice(place, 0, index);
    if (best.length > most) best.pop();
  }
  return best;
}

function isLess(values: NumericArray, datatype: NumericDatatype, one: number, other: number): boolean {
  const a = values[one]!;
  const b = values[other]!;
  if (typeof a === 'bigint' || typeof b === 'bigint') return a < b;
  const x = datatype === 'FP16' ? halfToNumber(a) : a;
  const y = datatype === 'FP16' ? halfToNumber(b) : b;
  return x < y || (Number.isNaN(x) && !Number.isNaN(y));
}

/** As JSON has it, without quotes. */
function printed(values: NumericArray, datatype: NumericDatatype, at: number): string {
  const writer = new JsonWriter(true);
  writer.tensorFlat(values.subarray(at, at + 1), datatype, 1);
  return writer.finish().toString('latin1').slice(1, -1).replaceAll('"', '');
}
