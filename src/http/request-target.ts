import type { IncomingMessage } from 'node:http';

const SLASH = 0x2f;
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i;

/**
 * Gives a request that names its target in absolute form, as clients of a proxy do, the form that all others have: the
 * authority becomes its `Host`, whatever that header said. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
export function toOriginForm(req: IncomingMessage): void {
  const { url = '/' } = req;
  if (url.charCodeAt(0) === SLASH) return;
  const [, authority, rest = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return;
  req.headers.host = authority;
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
}

/** The path of a request target, without its query. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The query of a request target; empty when there is none. */
export function queryOf(url: string): URLSearchParams {
  const query = url.indexOf('?');
  return new URLSearchParams(query === -1 ? '' : url.slice(query + 1));
}
