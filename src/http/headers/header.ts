import type { IncomingMessage } from 'node:http';

/** A header that comes once; undefined when it is absent. Node joins repeated ones with commas. */
export function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
