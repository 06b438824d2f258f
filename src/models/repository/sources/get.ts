import { type IncomingHttpHeaders, type IncomingMessage, get as getByHttp } from 'node:http';
import { get as getByHttps } from 'node:https';
import { SourceFault } from './source';

/** A connection that gives nothing for so long is given up. */
const IDLE_MS = 30_000;
const MAX_REDIRECTS = 5;
/** Of a listing. */
const MAX_TEXT_BYTES = 32 * 1024 ** 2;

/**
 * A GET whose body is read by the caller. Redirects are followed; another origin gets no credential, and https never
 * becomes http.
 * @throws SourceFault for every status but 200 and 206, with the reason
 */
export async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let at = url;
  let sent = headers;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await once(at, sent, signal);
    const { statusCode = 0, headers: got } = answer;
    if (statusCode === 200 || statusCode === 206) return answer;
    answer.resume();
    if (statusCode < 300 || statusCode >= 400 || got.location === undefined)
      throw refusal(at, statusCode, got);
    const next = new URL(got.location, at);
    if (next.protocol !== at.protocol && next.protocol !== 'https:') {
      throw new SourceFault(`${at.host} redirects to ${next.protocol}//, which is not followed`);
    }
    if (next.origin !== at.origin) sent = withoutCredentials(sent);
    at = next;
  }
  throw new SourceFault(`${url.host} redirects more than ${MAX_REDIRECTS} times`);
}

/** The same, read to its end. */
export async function getText(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<{ text: string; headers: IncomingHttpHeaders }> {
  const answer = await get(url, headers, signal);
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_TEXT_BYTES) throw new SourceFault(`${url.host} answers with more than 32 MiB`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof SourceFault ? error : broken(url, error);
  }
  return { text: Buffer.concat(chunks).toString(), headers: answer.headers };
}

function broken(url: URL, error: unknown): SourceFault {
  const { code, message } = error as NodeJS.ErrnoException;
  return new SourceFault(`the connection to ${url.host} broke: ${code ?? message}`, true);
}

function once(
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const open = url.protocol === 'https:' ? getByHttps : getByHttp;
    const request = open(url, { headers, signal, timeout: IDLE_MS }, resolve);
    request.on('timeout', () => request.destroy(new Error(`nothing came for ${IDLE_MS / 1000} s`)));
    request.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : broken(url, error)));
  });
}

function refusal(url: URL, status: number, headers: IncomingHttpHeaders): SourceFault {
  const where = `${url.host} answers ${status}`;
  if (status === 429 || status >= 500) {
    const seconds = Number(headers['retry-after']);
    return new SourceFault(where, true, Number.isFinite(seconds) ? seconds * 1000 : undefined);
  }
  const why =
    status === 401 || status === 403
      ? ': the credentials do not allow it, or there are none'
      : status === 404
        ? ': there is nothing'
        : '';
  return new SourceFault(where + why);
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !/^(?:authorization|cookie|x-amz-.*)$/i.test(name)),
  );
}
