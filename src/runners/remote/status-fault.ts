import type { RemoteAnswer } from './answer-body';
import type { Redactor } from './redactor';
import { type FaultKind, RemoteFault } from './remote-fault';

const MAX_EXCERPT = 300;
const LONGEST_WAIT_SECONDS = 3600;

/**
 * What an answer that is no success means; undefined for a success.
 * @param redactor goes over what the remote says
 */
export function statusFault(answer: RemoteAnswer, redactor: Redactor): RemoteFault | undefined {
  const { status } = answer;
  if (status >= 200 && status < 300) return undefined;
  const excerpt = excerptOf(answer.body, redactor);
  const options = { excerpt, retryAfterSeconds: retryAfterOf(answer) };
  const said = `The model's remote answered ${status}`;
  const kind = kindOf(status);
  switch (kind) {
    case 'busy':
      return new RemoteFault(kind, `${said}: it takes no more requests now.`, options);
    case 'unavailable':
      return new RemoteFault(kind, `${said}: it cannot run the model now.`, options);
    case 'refused':
      // What it says of the client's own values helps the client, what it says of credentials does not.
      if (status === 401 || status === 403)
        return new RemoteFault(kind, `${said}: it refuses this server.`, options);
      return new RemoteFault(kind, excerpt === '' ? `${said}.` : `${said}: ${excerpt}`, options);
    default:
      return new RemoteFault(kind, `${said}.`, options);
  }
}

function kindOf(status: number): FaultKind {
  switch (status) {
    case 404:
      return 'missing';
    case 408:
    case 504:
      return 'gateway_timeout';
    case 429:
      return 'busy';
    case 502:
      return 'gateway';
    case 503:
      return 'unavailable';
    default:
      return status >= 400 && status < 500 ? 'refused' : 'failed';
  }
}

/** Seconds from `Retry-After`; a date is left out, as clocks differ. */
function retryAfterOf({ headers }: RemoteAnswer): number | undefined {
  const text = headers['retry-after'];
  return text !== undefined && /^\d{1,9}$/.test(text)
    ? Math.min(Number(text), LONGEST_WAIT_SECONDS)
    : undefined;
}

/** The message of an answer in JSON, on one line and not long; empty for anything else. */
function excerptOf(body: Buffer, redactor: Redactor): string {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return '';
  }
  if (typeof value !== 'object' || value === null) return '';
  const { error, message, detail } = value as Record<string, unknown>;
  const inner =
    typeof error === 'object' && error !== null ? (error as { message?: unknown }).message : error;
  const text = [inner, message, detail].find((candidate) => typeof candidate === 'string') ?? '';
  const line = redactor
    .text(text)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
  return line.length > MAX_EXCERPT ? `${line.slice(0, MAX_EXCERPT)}…` : line;
}
