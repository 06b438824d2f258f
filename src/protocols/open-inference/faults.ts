import { DomainError, type ErrorCode } from '../../errors/domain-error';
import { quote } from '../../tensors/json/json-fault';
import type { TensorSpec } from '../../tensors/tensor';

/** A fault of one input, named as every message names it. */
export function inputFault(code: ErrorCode, name: string, message: string): DomainError {
  return new DomainError(code, `Input ${quote(name)}: ${message}.`);
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
