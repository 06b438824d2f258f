import type { RawInput } from '../raw-input';
import type { Tensor } from '../../tensors/tensor';
import { readCsv } from './csv';
import { TableRows } from './table-rows';
import { columnsOf, type TablePlan } from './table-plan';

/** What a table may have at most. */
export interface TableLimits {
  readonly maxRows: number;
  readonly maxColumns: number;
  /** UTF-16 units of a cell of CSV. */
  readonly maxCellLength: number;
}

/**
 * The model's inputs out of a table: CSV, a record or a list of them, columns by name, or pandas' `split`
 * (`{"columns": [...], "data": [[...], ...]}`).
 * @throws invalid_table with row and column; input_too_large
 */
export function prepareTable(plan: TablePlan, raw: RawInput, limits: TableLimits): Tensor[] {
  const [piece] = raw.pieces;
  const rows = new TableRows(plan, limits.maxRows, raw.isList);
  if (piece instanceof Uint8Array) readRecords(piece, raw, plan, rows, limits);
  else if (typeof piece === 'string') readJson(JSON.parse(piece), plan, rows);
  else throw new Error('A table is CSV or JSON.');
  return rows.finish();
}

function readRecords(
  bytes: Uint8Array,
  { media, charset }: RawInput,
  plan: TablePlan,
  rows: TableRows,
  { maxColumns, maxCellLength }: TableLimits,
): void {
  let hasHeader = media === 'bare-csv';
  if (hasHeader) rows.begin(columnsOf(plan).map(({ name }) => name));
  readCsv(bytes, `Input "${plan.name}"`, { maxColumns, maxCellLength, charset }, (cells) => {
    if (hasHeader) rows.addTexts(cells);
    else rows.begin(cells);
    hasHeader = true;
  });
}

function readJson(value: unknown, plan: TablePlan, rows: TableRows): void {
  if (Array.isArray(value)) {
    for (const [index, record] of (value as readonly unknown[]).entries()) {
      if (!isRecord(record))
        throw rows.fault('expected an object of columns to values', `, row ${index + 1}`);
      rows.addRecord(record);
    }
  } else if (!isRecord(value)) {
    throw rows.fault('expected an object of columns to values, or a list of them');
  } else if (isSplit(value, plan)) {
    readSplit(value, rows);
  } else if (isColumns(value)) {
    readColumns(value, rows);
  } else {
    rows.addRecord(value);
  }
}

function readSplit({ columns, data }: Split, rows: TableRows): void {
  rows.begin(columns);
  for (const [index, row] of data.entries()) {
    if (!Array.isArray(row)) throw rows.fault('expected a list of cells', `, row ${index + 1}`);
    rows.addList(row);
  }
}

function readColumns(columns: Readonly<Record<string, readonly unknown[]>>, rows: TableRows): void {
  const names = Object.keys(columns);
  const lists = Object.values(columns);
  rows.begin(names);
  const length = lists[0]?.length ?? 0;
  const odd = lists.findIndex((list) => list.length !== length);
  if (odd !== -1) {
    throw rows.fault(`column "${names[odd]}" has ${lists[odd]!.length} cells and "${names[0]}" ${length}`);
  }
  for (let row = 0; row < length; row++) rows.addList(lists.map((list) => list[row]));
}

interface Split {
  readonly columns: readonly unknown[];
  readonly data: readonly unknown[];
}

const SPLIT_KEYS = new Set(['columns', 'data', 'index']);

/** pandas' `split`, unless the table has columns of these very names. */
function isSplit(
  value: Readonly<Record<string, unknown>>,
  plan: TablePlan,
): value is Readonly<Record<string, unknown>> & Split {
  return (
    Array.isArray(value.columns) &&
    Array.isArray(value.data) &&
    Object.keys(value).every((key) => SPLIT_KEYS.has(key)) &&
    !columnsOf(plan).some(({ name }) => SPLIT_KEYS.has(name))
  );
}

/** Is every value a list, so that each key is a column? */
function isColumns(
  value: Readonly<Record<string, unknown>>,
): value is Readonly<Record<string, readonly unknown[]>> {
  const values = Object.values(value);
  return values.length > 0 && values.every(Array.isArray);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Is this JSON of several rows? A single record is one, and is answered by itself. */
export function isTableOfRows(value: unknown): boolean {
  return Array.isArray(value) || (isRecord(value) && isColumns(value));
}
