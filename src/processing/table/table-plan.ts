import type { Datatype } from '../../tensors/datatype';

export const COLUMN_TYPES = ['number', 'integer', 'boolean', 'text'] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** A value of a cell: numbers as doubles, whole numbers beyond 2^53 as decimal digits. */
export type CellValue = number | string | boolean;

/** A named column of a table. */
export interface ColumnPlan {
  readonly name: string;
  readonly type: ColumnType;
  /** What an empty cell means; undefined: it is refused. */
  readonly missing: CellValue | undefined;
  /** The only values that it may have; undefined: any. */
  readonly values: readonly CellValue[] | undefined;
}

/** One of the model's inputs, `[rows, columns]` or `[rows]`, and the columns that it is made of, in their order. */
export interface TableTensorPlan {
  readonly to: string;
  readonly datatype: Datatype;
  /** Has it a dimension for its columns? `[rows]` has none. */
  readonly isMatrix: boolean;
  readonly columns: readonly ColumnPlan[];
}

/** How rows of named columns become tensors. */
export interface TablePlan {
  readonly type: 'table';
  /** The declared input. */
  readonly name: string;
  /** Names of all the model's inputs that it becomes. */
  readonly covers: readonly string[];
  readonly tensors: readonly TableTensorPlan[];
}

export function columnsOf({ tensors }: TablePlan): ColumnPlan[] {
  return tensors.flatMap(({ columns }) => columns);
}
