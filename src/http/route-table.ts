import type { Exchange } from './exchange';
import type { IncomingMessage } from 'node:http';

/** What a caller must be allowed to do; `open`: nothing. What ends in `:write` changes the server for everybody. */
export type RouteScope =
  | 'open'
  | 'infer'
  | 'models:read'
  | 'models:write'
  | 'cache:write'
  | 'metrics:read'
  /** To have proved who one is. */
  | 'known';

/** One call of the server: where it is, what it takes to be allowed, and who answers it. */
export interface Route {
  /** GET stands for HEAD, too. */
  readonly method: 'GET' | 'POST';
  /**
   * Literal segments, `{model}` and `{version}`: `/v2/models/{model}/infer`. A `*` at the end stands for the rest of
   * the path: `/docs/*`.
   */
  readonly pattern: string;
  readonly scope: RouteScope;
  /** Answers before Express, which has the body unread; left out: Express and Nest answer. */
  readonly answer?: RouteAnswer;
}

export type RouteAnswer = (exchange: Exchange, call: RoutedCall) => Promise<void> | void;

/** A request's route, and the names that its path gives. */
export interface RoutedCall {
  readonly route: Route;
  /** The path as the route has it: without what a client may add. */
  readonly path: string;
  /** Empty where the pattern has no `{model}`. */
  readonly model: string;
  readonly version: string | undefined;
}

const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8'];

/** Answers with this very JSON: a probe then waits for nothing but the event loop. */
export function constantAnswer(value: object): RouteAnswer {
  const body = [Buffer.from(JSON.stringify(value))];
  return (exchange) => exchange.send(200, JSON_HEADERS, body);
}

/** A name in a path stands for itself: no escapes, no parameters, no dots that lead elsewhere. */
const NAME = /^[\w-][\w.-]*$/;
const REST = /^\/(?:[\w-][\w.-]*\/)*(?:[\w-][\w.-]*)?$/;

/** A route, made ready to be held against paths. */
interface Row {
  readonly route: Route;
  /** Undefined where a name stands. */
  readonly literals: readonly (string | undefined)[];
  readonly modelAt: number;
  readonly versionAt: number;
}

/**
 * All calls of the server. What has no row here is not there, whatever the spelling: a path matches as it is, letter by
 * letter, but for one slash at its end.
 */
export class RouteTable {
  /** By the number of segments; those with names after those without. */
  private readonly rows: Row[][] = [];
  private readonly prefixes: { readonly route: Route; readonly path: string }[] = [];

  add(route: Route): void {
    if (route.pattern.endsWith('/*')) {
      this.prefixes.push({ route, path: route.pattern.slice(0, -2) });
      return;
    }
    const segments = route.pattern.split('/');
    const literals = segments.map((segment) => (segment.startsWith('{') ? undefined : segment));
    const modelAt = segments.indexOf('{model}');
    const rows = (this.rows[segments.length] ??= []);
    rows.push({ route, literals, modelAt, versionAt: segments.indexOf('{version}') });
    rows.sort((a, b) => namesOf(a) - namesOf(b));
  }

  /** The call that a request is; undefined when there is none. */
  find(method: string, path: string): RoutedCall | undefined {
    const rowMethod = method === 'HEAD' ? 'GET' : method;
    for (const { route, path: prefix } of this.prefixes) {
      if (route.method === rowMethod && isBelow(path, prefix))
        return { route, path, model: '', version: undefined };
    }
    const plain = withoutSlash(path);
    const segments = plain.split('/');
    for (const { route, literals, modelAt, versionAt } of this.rows[segments.length] ?? []) {
      if (route.method !== rowMethod || !fits(segments, literals)) continue;
      return {
        route,
        path: plain,
        model: modelAt < 0 ? '' : segments[modelAt]!,
        version: versionAt < 0 ? undefined : segments[versionAt],
      };
    }
    return undefined;
  }

  /**
   * The methods under which there is something at a path: what a 405 lists in `Allow`.
   * @param taken whether a name may stand for a part of it, or only what a row says letter by letter
   */
  methodsOf(path: string, taken: 'any' | 'literal' = 'any'): string[] {
    return ['GET', 'POST'].filter((method) => {
      const call = this.find(method, path);
      return call !== undefined && (taken === 'any' || call.model === '');
    });
  }
}

function namesOf({ literals }: Row): number {
  return literals.filter((literal) => literal === undefined).length;
}

function fits(segments: readonly string[], literals: readonly (string | undefined)[]): boolean {
  for (let i = 0; i < literals.length; i++) {
    const literal = literals[i];
    if (literal === undefined ? !NAME.test(segments[i]!) : segments[i] !== literal) return false;
  }
  return true;
}

/** Is a path the prefix, a slash and plain segments? The slash at the end, if there is one, means something to pages. */
function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && REST.test(path.slice(prefix.length));
}

/** Clients and proxies add one slash to the end of a path. */
function withoutSlash(path: string): string {
  return path.length > 2 && path.endsWith('/') ? path.slice(0, -1) : path;
}

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
