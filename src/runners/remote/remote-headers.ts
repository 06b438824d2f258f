import { isSecretName, isSettingName, secretFromEnvironment } from '../../config/secret-from-environment';
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
  'traceparent',
  'tracestate',
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
  /** Those of them that must not be seen. */
  readonly secrets: readonly string[];
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
  return { values, secrets };
}

function secretOf({ variable }: Extract<HeaderSource, { variable: string }>): string {
  if (!isSecretName(variable)) {
    throw new DomainError(
      'model_unavailable',
      `a header names the environment variable ${variable}, which REMOTE_SECRET_NAMES does not list`,
    );
  }
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
