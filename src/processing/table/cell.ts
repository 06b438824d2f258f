import type { ColumnPlan, ColumnType } from './table-plan';

/** Why a cell cannot be what its column wants: `expected a number, got "x"`, without its place. */
export class CellFault extends Error {}

/** A cell's value, or undefined where it is empty. */
export type Cell = number | bigint | string | boolean | undefined;

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const INTEGER = /^[+-]?\d{1,20}(\.0*)?$/;
const NOT_A_NUMBER = /^nan$/i;
const INFINITE = /^([+-]?)inf(inity)?$/i;
const MOST_SHOWN = 32;

const NOUNS: Readonly<Record<ColumnType, string>> = {
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  text: 'a text',
};

/** A cell of CSV: empty ones are missing, and so is NaN in a column of numbers. */
export function cellOfText(text: string, { type }: ColumnPlan): Cell {
  if (text === '') return undefined;
  if (type === 'text') return text;
  const trimmed = text.trim();
  if (type === 'boolean') {
    if (/^(true|1)$/i.test(trimmed)) return true;
    if (/^(false|0)$/i.test(trimmed)) return false;
    throw expected(type, text);
  }
  if (NOT_A_NUMBER.test(trimmed)) return undefined;
  return type === 'number' ? numberOf(trimmed, text) : wholeNumber(trimmed, text);
}

/**
 * A cell of JSON: null and NaN are missing; NaN, the infinities and whole numbers beyond 2^53 are written as texts, as
 * everywhere.
 */
export function cellOfJson(value: unknown, { type }: ColumnPlan): Cell {
  if (value === null || value === undefined) return undefined;
  if (type === 'text' || type === 'boolean') {
    if (typeof value !== (type === 'text' ? 'string' : 'boolean')) throw expected(type, value);
    return value as string | boolean;
  }
  if (typeof value === 'number') {
    if (type === 'number') return value;
    if (!Number.isInteger(value)) throw expected(type, value);
    if (Number.isSafeInteger(value)) return value;
    throw new CellFault(
      'is a whole number beyond 2^53, which JSON does not keep; send it as a text of digits',
    );
  }
  if (value === 'NaN') return undefined;
  if (type === 'number' && (value === 'Infinity' || value === '-Infinity')) return Number(value);
  if (type === 'integer' && typeof value === 'string' && INTEGER.test(value))
    return wholeNumber(value, value);
  throw expected(type, value);
}

function numberOf(digits: string, given: string): number {
  if (NUMBER.test(digits)) {
    const value = Number(digits);
    if (Number.isFinite(value)) return value;
    throw new CellFault(`is ${shown(given)}, which is beyond what a double holds`);
  }
  const infinite = INFINITE.exec(digits);
  if (infinite !== null) return infinite[1] === '-' ? -Infinity : Infinity;
  throw expected('number', given);
}

function wholeNumber(digits: string, given: string): number | bigint {
  if (!INTEGER.test(digits)) throw expected('integer', given);
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits.replace(/^\+|\..*$/g, ''));
}

function expected(type: ColumnType, got: unknown): CellFault {
  return new CellFault(`expected ${NOUNS[type]}, got ${shown(got)}`);
}

/** What came, for messages. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return value === null ? 'null' : 'an object';
  if (typeof value !== 'string') return `${value as number}`;
  return JSON.stringify(value.length > MOST_SHOWN ? `${value.slice(0, MOST_SHOWN)}...` : value);
}
