import type { Exchange } from '../http/exchange';
import type { Route } from '../http/route-table';
import { DomainError } from '../errors/domain-error';
import type { Page, PageFile } from './page';

/**
 * `/` is the page for who asks for HTML, which browsers do, and some JSON for programs.
 * @param welcome what programs get
 * @param page undefined where there is none (`PAGE=off`)
 */
export function pageRoutes(welcome: object, page: Page | undefined): Route[] {
  const root: Route = {
    method: 'GET',
    pattern: '/',
    scope: 'open',
    answer: (exchange) => {
      if (page !== undefined && wantsHtml(exchange)) send(exchange, page.index);
      else exchange.sendJson(200, welcome, ['vary', 'accept']);
    },
  };
  if (page === undefined) return [root];
  const files: Route = {
    method: 'GET',
    pattern: '/ui/*',
    scope: 'open',
    answer: (exchange, { path }) => {
      const file = page.file(path);
      if (file === undefined)
        throw new DomainError('route_not_found', `There is nothing at ${path.slice(0, 100)}.`);
      send(exchange, file);
    },
  };
  return [root, files];
}

function wantsHtml({ req }: Exchange): boolean {
  return /(?:^|,)\s*text\/html\s*(?:;|,|$)/i.test(req.headers.accept ?? '');
}

function send(exchange: Exchange, { headers, body, etag }: PageFile): void {
  const isKnown = exchange.req.headers['if-none-match'] === etag;
  exchange.send(isKnown ? 304 : 200, [...headers, 'vary', 'accept'], isKnown ? [] : [body]);
}
