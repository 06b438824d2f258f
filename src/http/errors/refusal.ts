import { DomainError, type DomainErrorOptions, type ErrorCode } from '../../errors/domain-error';

/** An error whose answer has headers of its own. */
export class Refusal extends DomainError {
  /** @param headers names and values in turn */
  constructor(
    code: ErrorCode,
    message: string,
    readonly headers: readonly string[],
    options?: DomainErrorOptions,
  ) {
    super(code, message, options);
  }
}
