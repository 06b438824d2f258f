import { DomainError } from '../../errors/domain-error';

/**
 * A URL of a remote.
 * @param place its number among the model's URLs, from 1: clients see the faults, and are not to see hosts
 * @param allowed REMOTE_ALLOWED_HOSTS, in lower case
 * @throws DomainError `model_unavailable` for what is no http URL, has credentials in it, or leads to a host that is
 *   not allowed; no message shows any of it
 */
export function remoteUrl(text: string, place: number, allowed: readonly string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new DomainError(
      'model_unavailable',
      `URL ${place} of its remotes must start with http:// or https://`,
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new DomainError(
      'model_unavailable',
      `URL ${place} of its remotes has credentials in it; name their variable under headers`,
    );
  }
  if (!allowed.some((rule) => allows(rule, url))) {
    throw new DomainError(
      'model_unavailable',
      `the host of URL ${place} of its remotes is not among REMOTE_ALLOWED_HOSTS`,
    );
  }
  return url;
}

/** `*`, `*.domain`, `host` or `host:port`; without a port any port will do. */
function allows(rule: string, { hostname, port, protocol }: URL): boolean {
  if (rule === '*') return true;
  const portOfRule = /:(\d+)$/.exec(rule);
  // An IPv6 address has colons too, but always stands in brackets here.
  const name = portOfRule === null ? rule : rule.slice(0, portOfRule.index);
  const actualPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
  if (portOfRule !== null && portOfRule[1] !== actualPort) return false;
  return name.startsWith('*.') ? hostname.endsWith(name.slice(1)) : hostname === name;
}
