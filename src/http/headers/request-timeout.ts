import { DomainError } from '../../errors/domain-error';
import { header } from './header';
import type { Exchange } from '../exchange';

/** How long the client is ready to wait, in milliseconds from the arrival of its request. */
export const TIMEOUT_HEADER = 'x-request-timeout-ms';
const LONGEST_MS = 24 * 3600 * 1000;

/**
 * When an exchange must be answered, in milliseconds of `performance.now()`.
 * @throws invalid_request for a header that is not a whole number of milliseconds from 1 to a day
 */
export function deadlineOf(exchange: Exchange, defaultMs: number): number {
  const text = header(exchange.req, TIMEOUT_HEADER);
  if (text === undefined) return exchange.startedAt + defaultMs;
  const timeoutMs = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (timeoutMs < 1 || timeoutMs > LONGEST_MS) {
    throw new DomainError(
      'invalid_request',
      `Header ${TIMEOUT_HEADER}: expected a whole number of milliseconds from 1 to ${LONGEST_MS}, got "${text.slice(0, 40)}".`,
    );
  }
  return exchange.startedAt + timeoutMs;
}
