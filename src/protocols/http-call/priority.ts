import type { IncomingMessage } from 'node:http';
import { DomainError } from '../../errors/domain-error';
import { header } from '../../http/headers/header';
import { DEFAULT_PRIORITY_LEVEL, PRIORITY_LEVELS } from '../../scheduling/priority';

/** How urgent a request is, where the protocol's body has no place for it. */
export const PRIORITY_HEADER = 'x-priority';

/** @throws invalid_request for anything but a level from 1 (most urgent) to the lowest */
export function priorityOf(req: IncomingMessage): number {
  const text = header(req, PRIORITY_HEADER);
  if (text === undefined) return DEFAULT_PRIORITY_LEVEL;
  const priority = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (priority < 1 || priority > PRIORITY_LEVELS) {
    throw new DomainError(
      'invalid_request',
      `Header ${PRIORITY_HEADER}: expected a level from 1 (most urgent) to ${PRIORITY_LEVELS}, got "${text.slice(0, 40)}".`,
    );
  }
  return priority;
}
