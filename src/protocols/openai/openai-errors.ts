import { type DomainError, ERRORS } from '../../errors/domain-error';

/** Where OpenAI's clients find the calls that they know. */
export const OPENAI_PREFIX = '/v1';

/** An error in OpenAI's form; its clients choose their own error classes by status. */
export function openAiErrorBody(error: DomainError): object {
  const { status } = ERRORS[error.code];
  const type = status < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message: error.message, type, param: null, code: error.code } };
}
