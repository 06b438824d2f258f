import { DomainError } from '../../errors/domain-error';
import { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

/** Beyond this a reader of tables has no use for them. */
const MAX_COLUMNS = 10_000;

/** One output as columns of texts, row by row. */
interface Columns {
  readonly names: readonly string[];
  readonly cells: readonly string[];
}

/**
 * Outputs as CSV (RFC 4180): a line for each row under a header; an output with several values a row has a column for
 * each, `<output>.0`, `<output>.1` and so on. NaN is an empty cell.
 * @throws not_acceptable where outputs are no table: a scalar, or as many values as each row happens to have
 */
export function encodeCsv(outputs: readonly Tensor[]): Buffer {
  const rows = outputs[0]?.shape[0] ?? 0;
  const columns = outputs.map((output) => columnsOf(output, rows));
  if (columns.reduce((sum, { names }) => sum + names.length, 0) > MAX_COLUMNS) {
    throw notATable(`there would be more than ${MAX_COLUMNS} columns`);
  }
  const lines = [columns.flatMap(({ names }) => names.map(quoted)).join(',')];
  for (let row = 0; row < rows; row++) {
    const cells = columns.flatMap(({ names, cells }) =>
      cells.slice(row * names.length, (row + 1) * names.length),
    );
    lines.push(cells.join(','));
  }
  return Buffer.from(`${lines.join('\r\n')}\r\n`);
}

function columnsOf({ name, shape, datatype, data }: Tensor, rows: number): Columns {
  if (shape[0] !== rows || name.endsWith('.counts')) {
    throw notATable(`"${name}" is ${printShape(shape)} for ${rows} rows`);
  }
  const width = elementCount(shape.slice(1));
  const names = width === 1 ? [name] : Array.from({ length: width }, (_, i) => `${name}.${i}`);
  if (Array.isArray(data)) return { names, cells: data.map(quoted) };
  if (data.length === 0) return { names, cells: [] };
  const writer = new JsonWriter();
  writer.tensorNested(data, datatype, [data.length]);
  // Digits, and NaN and the infinities in quotes.
  const cells = writer.finish().toString('latin1').slice(1, -1).split(',');
  return { names, cells: cells.map((cell) => (cell === '"NaN"' ? '' : cell.replaceAll('"', ''))) };
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function notATable(why: string): DomainError {
  return new DomainError('not_acceptable', `Accept "text/csv": the answer is no table, as ${why}.`);
}
