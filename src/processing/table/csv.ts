import { decodeText } from '../../common/media-type';
import { DomainError } from '../../errors/domain-error';

/** What a reader of CSV takes at most. */
export interface CsvLimits {
  readonly maxColumns: number;
  /** UTF-16 units of one cell. */
  readonly maxCellLength: number;
  /** As `charsetOf` names it; undefined for UTF-8. */
  readonly charset?: string;
}

/** Told of each record, the header first; the list is used again for the next one. */
export type OnRecord = (cells: readonly string[]) => void;

const QUOTE = 0x22;
const COMMA = 0x2c;
const LF = 0x0a;
const CR = 0x0d;

/**
 * Reads CSV as RFC 4180 has it: text with or without a byte order mark, records that end with LF or CRLF, cells that
 * may be quoted, and quotes in them doubled. Empty lines at the end are none of it.
 * @param name what messages call the whole
 * @throws invalid_table with the line, input_too_large
 */
export function readCsv(bytes: Uint8Array, name: string, limits: CsvLimits, onRecord: OnRecord): void {
  const fault = (what: string): DomainError => new DomainError('invalid_table', `${name}: ${what}.`);
  const text = decodeText(bytes, limits.charset, fault);
  const reader = new CsvReader(text, text.search(/(\r?\n)*$/), name, limits);
  while (!reader.isAtEnd) onRecord(reader.record());
}

class CsvReader {
  private position = 0;
  private line = 1;
  private readonly cells: string[] = [];

  constructor(
    private readonly text: string,
    private readonly end: number,
    private readonly name: string,
    private readonly limits: CsvLimits,
  ) {}

  get isAtEnd(): boolean {
    return this.position >= this.end;
  }

  record(): readonly string[] {
    const { cells } = this;
    cells.length = 0;
    for (;;) {
      if (cells.length === this.limits.maxColumns) {
        throw this.tooLarge(`has more than ${this.limits.maxColumns} columns (MAX_TABLE_COLUMNS)`);
      }
      const cell = this.text.charCodeAt(this.position) === QUOTE ? this.quoted() : this.plain();
      if (cell.length > this.limits.maxCellLength) {
        throw this.tooLarge(
          `has a cell of more than ${this.limits.maxCellLength} characters (MAX_CELL_LENGTH)`,
        );
      }
      cells.push(cell);
      if (this.position >= this.end) return cells;
      const separator = this.text.charCodeAt(this.position++);
      if (separator === COMMA) continue;
      if (separator === CR) this.position++;
      this.line++;
      return cells;
    }
  }

  /** A cell up to what ends it, which is not taken. */
  private plain(): string {
    const { text, end } = this;
    const start = this.position;
    let position = start;
    for (; position < end; position++) {
      const code = text.charCodeAt(position);
      if (code === COMMA || code === LF || (code === CR && text.charCodeAt(position + 1) === LF)) break;
      if (code === QUOTE) throw this.fault('has a quote within a cell that does not begin with one');
      if (code === CR) throw this.fault('has a CR that no LF follows');
    }
    this.position = position;
    return text.slice(start, position);
  }

  private quoted(): string {
    const { text, end } = this;
    const line = this.line;
    let start = ++this.position;
    let cell = '';
    for (;;) {
      const quote = text.indexOf('"', start);
      if (quote === -1 || quote >= end) throw this.fault('begins a quoted cell that does not end', line);
      cell += text.slice(start, quote);
      if (text.charCodeAt(quote + 1) === QUOTE && quote + 1 < end) {
        cell += '"';
        start = quote + 2;
        continue;
      }
      this.position = quote + 1;
      break;
    }
    for (let at = cell.indexOf('\n'); at !== -1; at = cell.indexOf('\n', at + 1)) this.line++;
    const next = text.charCodeAt(this.position);
    const isOver =
      this.position >= end ||
      next === COMMA ||
      next === LF ||
      (next === CR && text.charCodeAt(this.position + 1) === LF);
    if (!isOver) throw this.fault('has something behind the end of a quoted cell');
    return cell;
  }

  private fault(what: string, line = this.line): DomainError {
    return new DomainError('invalid_table', `${this.name}: line ${line} ${what}.`);
  }

  private tooLarge(what: string): DomainError {
    return new DomainError('input_too_large', `${this.name}: line ${this.line} ${what}.`);
  }
}
