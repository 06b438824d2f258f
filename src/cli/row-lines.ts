import type { TensorDescription } from '../protocols/native/model-description';
import { UsageError } from './command';

/** How the cells of a line become the inputs of a model. */
export interface Columns {
  readonly isHeader: boolean;
  /** @throws UsageError naming line and column */
  row(line: string, number: number): Record<string, unknown>;
}

/** A line of NDJSON: an object with an entry for each input, without the dimension of rows. */
export function rowOf(line: string, number: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new UsageError(`Line ${number} is not a JSON object.`);
}

/**
 * Columns as the first line of a CSV file has them: by the names of the inputs, where they have one value each a row,
 * else in order, for a model with one input of so many numbers.
 */
export function csvColumns(first: string, inputs: readonly TensorDescription[]): Columns {
  const names = cellsOf(first.replace(/^\uFEFF/, ''));
  const isHeader = names.some((name) => name !== '' && Number.isNaN(Number(name)));
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1 && input.shape.length === 2) {
    const width = input.shape[1] ?? -1;
    return {
      isHeader,
      row(line, number) {
        const cells = cellsOf(line);
        if (cells.length !== (width === -1 ? names.length : width))
          throw new UsageError(
            `Line ${number} has ${cells.length} cells, and ${width === -1 ? names.length : width} were expected.`,
          );
        return {
          [input.name]: cells.map((cell, i) => valueOf(cell, input, number, names[i] ?? String(i + 1))),
        };
      },
    };
  }
  const missing = inputs.filter(({ name }) => !names.includes(name));
  if (!isHeader || missing.length > 0 || inputs.some(({ shape }) => shape.length !== 2 || shape[1] !== 1))
    throw new UsageError(
      `A CSV file for this model needs a header with ${inputs.map(({ name }) => name).join(', ')}, of one value each a row; for anything else use NDJSON.`,
    );
  return {
    isHeader,
    row(line, number) {
      const cells = cellsOf(line);
      if (cells.length !== names.length)
        throw new UsageError(`Line ${number} has ${cells.length} cells, and ${names.length} were expected.`);
      return Object.fromEntries(
        inputs.map((each) => [
          each.name,
          [valueOf(cells[names.indexOf(each.name)]!, each, number, each.name)],
        ]),
      );
    },
  };
}

function valueOf(cell: string, { datatype }: TensorDescription, line: number, column: string): unknown {
  if (datatype === 'BYTES') return cell;
  if (datatype === 'BOOL') return cell === 'true' || cell === '1';
  if (cell === '') return 'NaN';
  // A 64-bit integer stays as it is written: the reader of inputs takes it exactly.
  if (/INT64$/.test(datatype)) return cell;
  const value = Number(cell);
  if (Number.isNaN(value) && cell.toLowerCase() !== 'nan')
    throw new UsageError(`Line ${line}, column "${column}": expected a number, got "${cell.slice(0, 40)}".`);
  return value;
}

/** One line by https://www.rfc-editor.org/rfc/rfc4180; a cell with a line break in it is refused by its number of cells. */
function cellsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',').map((cell) => cell.trim());
  const cells: string[] = [];
  const cell = /(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g;
  for (const [, quoted, plain] of line.matchAll(cell))
    cells.push(quoted?.replaceAll('""', '"') ?? plain?.trim() ?? '');
  return cells;
}
