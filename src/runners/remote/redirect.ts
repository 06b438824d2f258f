import type { IncomingMessage } from 'node:http';
import { RemoteFault } from './remote-fault';

/** Those that keep the method, and so the body. */
const KEEP_METHOD: readonly number[] = [307, 308];
const ANY_METHOD: readonly number[] = [301, 302, 307, 308];

/**
 * Where an answer says that the call is to be made instead; undefined when it does not.
 * Calls carry credentials and clients' data, so they follow to no other host, port or scheme.
 * @throws RemoteFault redirected
 */
export function redirectTarget(
  from: URL,
  method: 'GET' | 'POST',
  { statusCode = 0, headers }: Pick<IncomingMessage, 'statusCode' | 'headers'>,
): URL | undefined {
  if (statusCode < 300 || statusCode > 399) return undefined;
  const { location } = headers;
  const target =
    location !== undefined && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (target === undefined) {
    throw new RemoteFault(
      'redirected',
      `The model's remote answered ${statusCode} without a place to go to.`,
    );
  }
  if (target.origin !== from.origin) {
    throw new RemoteFault(
      'redirected',
      "The model's remote redirects to another host, which is not followed.",
      {
        excerpt: `to ${target.origin}`,
      },
    );
  }
  if (!(method === 'GET' ? ANY_METHOD : KEEP_METHOD).includes(statusCode)) {
    throw new RemoteFault(
      'redirected',
      `The model's remote redirects with ${statusCode}, which would lose the request; it takes 307 or 308.`,
    );
  }
  return target;
}
