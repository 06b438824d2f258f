import type { IncomingMessage } from 'node:http';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { requireUtf8 } from '../headers/content-negotiation';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Makes JSON of the bytes that Express has read: UTF-8, as JSON is; nothing at all is an empty
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
    requireUtf8(req.headers['content-type'] ?? '');
    req.body = body.length === 0 ? {} : (JSON.parse(utf8.decode(body)) as unknown);
  } catch (error) {
    const fault = new DomainError('invalid_json', `The body is no JSON: ${reasonOf(error)}`);
    next(error instanceof DomainError ? error : fault);
    return;
  }
  next();
}
