import { DomainError, type ErrorCode } from '../../errors/domain-error';
import { quote } from '../../tensors/json/json-fault';
import type { TensorSpec } from '../../tensors/tensor';

/** A fault of one input, named as every message names it. */
export function inputFault(code: ErrorCode, name: string, message: string): DomainError {
  return new DomainError(code, `Input ${quote(name)}: ${message}.`);
}

/** What the reader of JSON says of a value of another kind, and of a number out of range. */
const UNNAMED = /^(?:Expected|A dimension|Parameter) /;

/**
 * A fault of a value with the place where it was found before it: a reader of JSON knows its byte alone.
 * @param where `Input "x"`, say
 * @param key of the value, where it has one
 * @returns `error` itself where it is about another thing, or names its place already
 */
export function placed(error: unknown, where: string, key?: string): unknown {
  if (!(error instanceof DomainError) || error.code !== 'invalid_request') return error;
  const { message } = error;
  if (!UNNAMED.test(message)) return error;
  const what = key === undefined ? '' : ` ${key}:`;
  const fault = message.startsWith('Parameter') ? message : message[0]!.toLowerCase() + message.slice(1);
  return new DomainError('invalid_request', `${where}:${what} ${fault}`);
}

/** How a fault calls an input or output: by its name, or by its number where that is not known. */
export function calledBy(kind: 'Input' | 'Output', name: string | undefined, number: number): string {
  return name === undefined ? `${kind} number ${number}` : `${kind} ${quote(name)}`;
}

/** A key that JSON allows to come twice, but whose first or second value would silently be lost. */
export function givenTwice(key: string, position: number): DomainError {
  return new DomainError(
    'invalid_json',
    `The key ${quote(key)} is given twice, again at position ${position}.`,
  );
}

/** The names of tensors for a message. */
export function list(specs: readonly Pick<TensorSpec, 'name'>[]): string {
  return specs.map(({ name }) => `"${name}"`).join(', ') || 'none';
}
