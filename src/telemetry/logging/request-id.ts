import { randomBytes } from 'node:crypto';

const SANE_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Random for each process, so that ids of two workers, or of a worker and its successor, never meet. */
const PROCESS_PREFIX = `${randomBytes(6).toString('base64url').replaceAll('_', '.')}-`;

let count = 0;

/** The id of a request: the incoming `x-request-id` when its form is sane, else a new one, unique and cheap. */
export function requestIdFrom(headerValue: string | string[] | undefined): string {
  if (typeof headerValue === 'string' && SANE_ID.test(headerValue)) return headerValue;
  count += 1;
  return PROCESS_PREFIX + count.toString(36);
}
