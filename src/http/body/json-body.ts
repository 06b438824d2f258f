import type { IncomingMessage } from 'node:http';
import { DomainError, reasonOf } from '../../errors/domain-error';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Makes JSON of the bytes that Express has read: UTF-8, as JSON is, whatever a header says; nothing at all is an empty
 * object. Express' own reader loads the tables of every other encoding with the first body, which a process that has no
 * descriptors left cannot.
 */
export function parseJsonBody(
  req: IncomingMessage & { body?: unknown },
  _res: unknown,
  next: (error?: unknown) => void,
): void {
  const { body } = req;
  if (!Buffer.isBuffer(body)) {
    next();
    return;
  }
  try {
    req.body = body.length === 0 ? {} : (JSON.parse(utf8.decode(body)) as unknown);
  } catch (error) {
    next(new DomainError('invalid_json', `The body is no JSON: ${reasonOf(error)}`));
    return;
  }
  next();
}
