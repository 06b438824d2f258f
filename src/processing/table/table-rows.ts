import { DomainError } from '../../errors/domain-error';
import { type Cell, CellFault, cellOfJson, cellOfText } from './cell';
import { type ColumnPlan, columnsOf, type TablePlan } from './table-plan';
import { TensorBuilder } from './tensor-builder';
import type { Tensor } from '../../tensors/tensor';

/** Where a column's cell is in a row that came; each knows its own way. */
type CellOf<Row> = (row: Row, column: ColumnPlan, index: number) => Cell;

/** The rows of a table on their way into the model's tensors. */
export class TableRows {
  private readonly columns: readonly ColumnPlan[];
  private readonly builders: readonly (readonly [TensorBuilder, readonly ColumnPlan[]])[];
  /** For each column, the place of its cell in a row that is a list. */
  private places: readonly number[] = [];
  private width = 0;
  private count = 0;

  /** @param isList is a single row one of several? Then faults name it */
  constructor(
    private readonly plan: TablePlan,
    private readonly maxRows: number,
    private readonly isList: boolean,
  ) {
    this.columns = columnsOf(plan);
    this.builders = plan.tensors.map((tensor) => [new TensorBuilder(tensor), tensor.columns]);
  }

  /** Says which columns the lists that follow have, in their order. */
  begin(header: readonly unknown[]): void {
    const places = new Map<string, number>();
    header.forEach((name, place) => {
      if (typeof name !== 'string') throw this.fault(`column ${place + 1} has no name`);
      if (places.has(name)) throw this.fault(`has two columns ${quoted(name)}`);
      places.set(name, place);
    });
    this.checkNames((name) => places.has(name), places.keys(), places.size);
    this.places = this.columns.map(({ name }) => places.get(name)!);
    this.width = header.length;
  }

  addTexts(cells: readonly string[]): void {
    this.checkWidth(cells.length);
    this.add(cells, (row, column, index) => cellOfText(row[this.places[index]!]!, column));
  }

  addList(cells: readonly unknown[]): void {
    this.checkWidth(cells.length);
    this.add(cells, (row, column, index) => cellOfJson(row[this.places[index]!], column));
  }

  addRecord(record: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(record);
    this.checkNames((name) => Object.hasOwn(record, name), names, names.length, this.rowPlace());
    this.add(record, (row, column) => cellOfJson(row[column.name], column));
  }

  /** @throws invalid_table where there is no row */
  finish(): Tensor[] {
    if (this.count === 0) throw this.fault('has no rows');
    return this.builders.map(([builder]) => builder.finish(this.count));
  }

  /** A fault of the table as a whole. */
  fault(what: string, place = ''): DomainError {
    return new DomainError('invalid_table', `Input "${this.plan.name}"${place}: ${what}.`);
  }

  private add<Row>(row: Row, cellOf: CellOf<Row>): void {
    if (this.count === this.maxRows) {
      throw new DomainError(
        'input_too_large',
        `Input "${this.plan.name}": has more than ${this.maxRows} rows (MAX_TABLE_ROWS).`,
      );
    }
    let index = 0;
    for (const [builder, columns] of this.builders) {
      for (const column of columns) {
        try {
          builder.add(column, cellOf(row, column, index));
        } catch (error) {
          if (!(error instanceof CellFault)) throw error;
          throw this.fault(error.message, `${this.rowPlace()}, column ${quoted(column.name)}`);
        }
        index++;
      }
    }
    this.count++;
  }

  private checkWidth(width: number): void {
    if (width !== this.width)
      throw this.fault(`has ${width} cells for ${this.width} columns`, this.rowPlace());
  }

  /** Rows are counted from 1, the header not counted. */
  private rowPlace(): string {
    return this.isList ? `, row ${this.count + 1}` : '';
  }

  private checkNames(
    has: (name: string) => boolean,
    names: Iterable<string>,
    count: number,
    place = '',
  ): void {
    const absent = this.columns.find(({ name }) => !has(name));
    if (absent !== undefined) throw this.fault(`has no column ${quoted(absent.name)}`, place);
    if (count === this.columns.length) return;
    const known = new Set(this.columns.map(({ name }) => name));
    for (const name of names) {
      if (known.has(name)) continue;
      const all = [...known].slice(0, 16).map(quoted).join(', ');
      throw this.fault(
        `has a column ${quoted(name)}, which the model does not take; its columns are ${all}`,
        place,
      );
    }
  }
}

function quoted(name: string): string {
  return JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}...` : name);
}
