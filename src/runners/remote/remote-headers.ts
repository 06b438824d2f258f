import { isSettingName, secretFromEnvironment } from '../../config/secret-from-environment';
import { DomainError } from '../../errors/domain-error';
import type { HeaderSource } from './remote-config';

const NAME = /^[\w!#$%&'*+.^`|~-]{1,100}$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Those that say how the call itself is made. */
const OUR_OWN = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'inference-header-content-length',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
  'x-request-ids',
  'x-request-timeout-ms',
]);

const CREDENTIALS = /^(?:(?:proxy-)?authorization|cookie)$|(?:^|-)(?:api-?key|token|secret|password)$/;

/** Why `model.yaml` may not have this header; undefined when it may. */
export function headerFault(header: HeaderSource): string | undefined {
  const name = header.name.toLowerCase();
  if (!NAME.test(name)) return 'is no name that a header can have';
  if (OUR_OWN.has(name)) return 'is set by the server itself';
  if ('variable' in header) {
    if (isSettingName(header.variable)) return "may not hold one of this server's own settings";
    return VALUE.test(header.prefix) ? undefined : 'has a prefix that a header cannot have';
  }
  if (CREDENTIALS.test(name)) return 'is a secret: name its variable, as in { env: VENDOR_TOKEN }';
  return VALUE.test(header.text) ? undefined : 'has a value that a header cannot have';
}

export interface RemoteHeaders {
  readonly values: Readonly<Record<string, string>>;
  /** Takes the secrets out of what a remote said. */
  readonly redact: (text: string) => string;
}

/**
 * The headers with their secrets.
 * @throws DomainError `model_unavailable` for a variable that is not set, or holds what no header can; never shows it
 */
export function resolveHeaders(sources: readonly HeaderSource[]): RemoteHeaders {
  const values: Record<string, string> = {};
  const secrets: string[] = [];
  for (const source of sources) {
    const name = source.name.toLowerCase();
    if ('text' in source) {
      values[name] = source.text;
    } else {
      const secret = secretOf(source);
      values[name] = source.prefix + secret;
      secrets.push(secret);
    }
  }
  // The longest first: one may be a part of another.
  secrets.sort((a, b) => b.length - a.length);
  const redact = (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text);
  return { values, redact };
}

function secretOf({ variable }: Extract<HeaderSource, { variable: string }>): string {
  const secret = secretFromEnvironment(variable)?.trim();
  if (secret === undefined || secret === '') {
    throw new DomainError('model_unavailable', `the environment variable ${variable} of a header is not set`);
  }
  if (!VALUE.test(secret)) {
    throw new DomainError(
      'model_unavailable',
      `the environment variable ${variable} has what no header can hold`,
    );
  }
  return secret;
}
