/** For pino, the level of lines that say who changed what: between info and warning, in a file of their own. */
export const AUDIT_LEVEL = 35;

/** The levels that this room writes itself, by pino's names. */
export type Level = 'info' | 'warn' | 'error';

/** What happened, and the facts of it. */
export interface LogEvent {
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** Where events are told: an `EventLogger` in a worker, pino itself in the primary. */
export interface EventLog {
  info(event: LogEvent): void;
  warn(event: LogEvent): void;
  error(event: LogEvent): void;
}

/** Which process a line is about. */
export interface Origin {
  /** As its traces call it. */
  service: string;
  pid: number;
  /** The place of a worker, from 1, which its successor has, too; absent in the primary and in a server of one process. */
  worker?: number;
}

const NEWLINE = 0x0a;
const OPENING_BRACE = 0x7b;
const ERROR_PREFIX = /^\{"level":"(?:error|fatal)"/;
const ERROR_PREFIX_BYTES = 17;
const AUDIT_PREFIX = Buffer.from('{"level":"audit",');

// Everything but printable ASCII, the quote and the backslash.
const UNSAFE = /[^ !#-[\]-~]/;
const UNSAFE_ALL = /[^ !#-[\]-~]/g;

/**
 * Text as it may stand between the quotes of a JSON string in a log line: ASCII alone, no control
 * characters, so that no client can forge a line or an escape sequence of a terminal.
 */
export function quotable(text: string, maxLength: number): string {
  const cut = text.length > maxLength ? text.slice(0, maxLength) : text;
  return UNSAFE.test(cut) ? cut.replace(UNSAFE_ALL, escapeCharacter) : cut;
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A line in pino's form for what is logged below pino: by the sink itself, or in a worker's stead. */
export function logLine(level: Level, origin: Origin, msg: string, fields: object = {}): Buffer {
  return Buffer.from(`${JSON.stringify({ level, time: isoTime(), ...origin, ...fields, msg })}\n`);
}

let lastMs = 0;
let lastTime = '';

/** Now, as all lines have it: printed once in a millisecond. */
export function isoTime(): string {
  const nowMs = Date.now();
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    lastTime = new Date(nowMs).toISOString();
  }
  return lastTime;
}

/** Calls `visit` with each line of a chunk of whole lines, newline included. */
export function forEachLine(lines: Buffer, visit: (line: Buffer) => void): void {
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf(NEWLINE, start) + 1 || lines.length;
    visit(lines.subarray(start, end));
    start = end;
  }
}

/** How many lines say something: empty ones do not count. */
export function countLines(lines: Buffer): number {
  let count = 0;
  forEachLine(lines, (line) => {
    if (line.length > 1) count += 1;
  });
  return count;
}

/** Whether a line is of level error or above: pino writes the level first, so nothing need be parsed. */
export function isErrorLine(line: Buffer): boolean {
  return ERROR_PREFIX.test(line.toString('latin1', 0, ERROR_PREFIX_BYTES));
}

/** Whether a line belongs in the audit log. */
export function isAuditLine(line: Buffer): boolean {
  return line.subarray(0, AUDIT_PREFIX.length).equals(AUDIT_PREFIX);
}

/** Whether a line is one of pino's, not something printed past the logger. */
export function isJsonLine(line: Buffer): boolean {
  return line[0] === OPENING_BRACE;
}
