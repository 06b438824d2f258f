import type { Datatype } from '../../tensors/datatype';
import { decodeText } from '../../common/media-type';
import { readCsv } from '../../processing/table/csv';
import { columnType } from '../../processing/inputs/table';
import { prepareTable, type TableLimits } from '../../processing/table/prepare-table';
import type { TablePlan } from '../../processing/table/table-plan';
import type { Tensor } from '../../tensors/tensor';
import { UsageError } from '../command';
import { recordsOf } from './records';
import { type Inputs, takesRows, type TargetModel } from './target';

/** Inputs of some rows, or of a request that is one by itself. */
export interface Batch {
  /** Rows of the file, each of which gets a line; 1 for a request. */
  readonly rows: number;
  /** Are the answer's outputs lists, with an entry for each row? */
  readonly isList: boolean;
  /** Bytes of the file that lie behind it. */
  readonly readBytes: number;
  /** @throws UsageError, DomainError for what cannot be inputs */
  inputs(): Inputs;
}

export interface RowsSource {
  readonly kind: 'csv' | 'ndjson';
  readonly chunks: AsyncIterable<Buffer>;
}

const MOST_ROWS = 1024;
/** Pictures and texts are larger, and take longer. */
const MOST_PIECES = 32;

/** What this machine's own files may have. */
const LIMITS: TableLimits = { maxRows: MOST_ROWS, maxColumns: 100_000, maxCellLength: 16 * 1024 ** 2 };

/** The rows of a file as inputs of a model. @throws UsageError where the model cannot take them */
export function batchesOf(source: RowsSource, model: TargetModel): AsyncGenerator<Batch> {
  return source.kind === 'csv' ? csvBatches(source.chunks, model) : ndjsonBatches(source.chunks, model);
}

async function* csvBatches(chunks: AsyncIterable<Buffer>, model: TargetModel): AsyncGenerator<Batch> {
  const most = tableOf(model) !== undefined || takesRows(model) ? MOST_ROWS : 1;
  let header: Buffer | undefined;
  let inputsOf: ((csv: Buffer) => Inputs) | undefined;
  for await (const { bytes, count, readBytes } of recordsOf(chunks, { quotes: true, first: 1, most })) {
    let rows: Buffer | undefined = bytes;
    if (header === undefined || inputsOf === undefined) {
      const names = cellsOf(bytes);
      const isHeader = names.some((name) => name !== '' && Number.isNaN(Number(name)));
      header = isHeader ? bytes : headerFor(model, names.length);
      inputsOf = csvReader(model, isHeader ? names : cellsOf(header));
      rows = isHeader ? undefined : bytes;
    }
    if (rows === undefined) continue;
    const [csv, read] = [Buffer.concat([header, rows]), inputsOf];
    yield { rows: count, isList: true, readBytes, inputs: () => read(csv) };
  }
}

/** The name of the model's only declared input, where that is a table. */
function tableOf({ pipeline }: TargetModel): string | undefined {
  const [[name = '', declared] = [], ...others] = Object.entries(pipeline?.input ?? {});
  return declared?.type === 'table' && others.length === 0 ? name : undefined;
}

/** A file of numbers alone has its columns in the order of the model's. */
function headerFor(model: TargetModel, width: number): Buffer {
  const declared = model.pipeline?.input[tableOf(model) ?? '']?.columns;
  const value = typeof declared === 'object' ? declared.value : undefined;
  const names = Array.isArray(value) ? (value as readonly unknown[]).map(String) : Object.keys(value ?? {});
  const known = names.length > 0 ? names : Array.from({ length: width }, (_, i) => String(i + 1));
  return Buffer.from(`${known.map((name) => `"${name.replaceAll('"', '""')}"`).join(',')}\n`);
}

/** How CSV becomes inputs: as it is where the model declares a table, else read by the same reader into its tensors. */
function csvReader(model: TargetModel, columns: readonly string[]): (csv: Buffer) => Inputs {
  const table = tableOf(model);
  if (table !== undefined) return (csv) => ({ [table]: csv });
  const plan = planOf(model, columns);
  return (csv) => {
    const raw = { name: plan.name, media: 'csv', pieces: [csv], isList: true } as const;
    return byName(prepareTable(plan, raw, LIMITS));
  };
}

/** By the names of the inputs where they have one value each a row, else in order, for the only input. */
function planOf({ inputs }: TargetModel, names: readonly string[]): TablePlan {
  const column = (name: string, datatype: Datatype): TablePlan['tensors'][number]['columns'][number] => {
    const type = columnType(datatype);
    return { name, type, missing: type === 'number' ? NaN : undefined, values: undefined };
  };
  const [only, ...others] = inputs;
  const width = only?.shape[1] ?? 1;
  if (only !== undefined && others.length === 0 && only.shape.length <= 2) {
    if (width !== -1 && width !== names.length)
      throw new UsageError(`The file has ${names.length} columns, and "${only.name}" takes ${width}.`);
    const datatype = only.datatype as Datatype;
    const columns = names.map((name) => column(name, datatype));
    const tensors = [{ to: only.name, datatype, isMatrix: only.shape.length === 2, columns }];
    return { type: 'table', name: only.name, covers: [only.name], tensors };
  }
  const isOneEach = inputs.every(({ shape }) => shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  if (!isOneEach || inputs.some(({ name }) => !names.includes(name)))
    throw new UsageError(
      `A CSV file for this model needs a header with ${inputs.map(({ name }) => name).join(', ')}, of one value each a row; for anything else use NDJSON.`,
    );
  const tensors = inputs.map(({ name, shape, datatype }) => ({
    to: name,
    datatype: datatype as Datatype,
    isMatrix: shape.length === 2,
    columns: [column(name, datatype as Datatype)],
  }));
  return { type: 'table', name: 'rows', covers: inputs.map(({ name }) => name), tensors };
}

function byName(tensors: readonly Tensor[]): Inputs {
  return Object.fromEntries(tensors.map(({ name, data, shape }) => [name, { data, shape }]));
}

function cellsOf(record: Buffer): readonly string[] {
  let cells: readonly string[] = [];
  const limits = { maxColumns: LIMITS.maxColumns, maxCellLength: LIMITS.maxCellLength };
  readCsv(record, 'The first line', limits, (found) => (cells = [...found]));
  return cells;
}

async function* ndjsonBatches(chunks: AsyncIterable<Buffer>, model: TargetModel): AsyncGenerator<Batch> {
  const declared = Object.entries(model.pipeline?.input ?? {});
  const isTable = declared.every(([, { type }]) => type === 'table');
  const isRows = declared.length > 0 || takesRows(model);
  const most = !isRows ? 1 : isTable ? MOST_ROWS : MOST_PIECES;
  let before = 0;
  for await (const { bytes, count, readBytes } of recordsOf(chunks, { quotes: false, first: 0, most })) {
    const first = before;
    before += count;
    const inputs = (): Inputs => {
      const lines = textOf(bytes, first).split('\n').slice(0, count);
      const rows = lines.map((line, i) => objectOf(line, first + i + 1));
      return isRows ? columnsOf(rows, model) : rows[0]!;
    };
    yield { rows: count, isList: isRows, readBytes, inputs };
  }
}

/** @param first rows before these, of which each is a line */
function textOf(bytes: Buffer, first: number): string {
  const fault = (what: string): Error => new UsageError(`Rows from ${first + 1} on: ${what}.`);
  return decodeText(bytes, undefined, fault);
}

function objectOf(line: string, row: number): Inputs {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Inputs;
  } catch {
    // Said below.
  }
  throw new UsageError(`Row ${row} is not a JSON object.`);
}

/** A list for each input; where the model declares one table, a row may be its record. */
function columnsOf(rows: readonly Inputs[], model: TargetModel): Inputs {
  const table = tableOf(model);
  const has = (name: string): boolean => rows[0] !== undefined && name in rows[0];
  const declared = Object.keys(model.pipeline?.input ?? {});
  if (table !== undefined && !has(table) && !model.inputs.some(({ name }) => has(name)))
    return { [table]: rows };
  const names = declared.some(has) ? declared : model.inputs.map(({ name }) => name);
  return Object.fromEntries(names.map((name) => [name, rows.map((row) => row[name] ?? null)]));
}
