import type { IncomingMessage } from 'node:http';
import type { HttpConfig } from '../../config/config.slices';

const EXPOSED =
  'x-request-id, x-cache, age, retry-after, inference-header-content-length, www-authenticate, ratelimit, ratelimit-policy, x-next-cursor';
const PREFLIGHT_MAX_AGE_SECONDS = '600';

/** Which CORS headers an answer carries, as a flat list of names and values. https://fetch.spec.whatwg.org/#http-cors-protocol */
export class Cors {
  /** For a request that names no origin. */
  readonly withoutOrigin: readonly string[];
  private readonly origins: ReadonlySet<string>;
  private readonly any: boolean;
  private readonly anyHeaders = [
    'access-control-allow-origin',
    '*',
    'access-control-expose-headers',
    EXPOSED,
  ];

  constructor(private readonly config: Pick<HttpConfig, 'corsOrigins' | 'corsCredentials'>) {
    this.origins = new Set(config.corsOrigins);
    this.any = this.origins.has('*');
    // A cache in between must not hand one origin's answer to another, nor a program's to a page.
    this.withoutOrigin = this.any || this.origins.size === 0 ? [] : ['vary', 'origin'];
  }

  /** @param byName is it about a change, which `*` allows to nobody? */
  headers(req: IncomingMessage, byName = false): readonly string[] {
    const origin = req.headers.origin;
    if (origin === undefined) return this.withoutOrigin;
    if (this.any && !byName) return this.anyHeaders;
    if (!this.origins.has(origin)) return byName ? ['vary', 'origin'] : this.withoutOrigin;
    const headers = [
      'access-control-allow-origin',
      origin,
      'vary',
      'origin',
      'access-control-expose-headers',
      EXPOSED,
    ];
    if (this.config.corsCredentials) headers.push('access-control-allow-credentials', 'true');
    return headers;
  }

  isPreflight(req: IncomingMessage): boolean {
    return (
      req.method === 'OPTIONS' &&
      req.headers.origin !== undefined &&
      req.headers['access-control-request-method'] !== undefined
    );
  }

  /** The method of the request that a preflight is for. */
  methodAskedFor(req: IncomingMessage): string {
    return req.headers['access-control-request-method'] ?? '';
  }

  /** What the answer to a preflight carries besides `headers`. */
  preflightHeaders(req: IncomingMessage, byName = false): readonly string[] {
    const { origin } = req.headers;
    if (origin === undefined || !(this.origins.has(origin) || (this.any && !byName))) return [];
    const asked = req.headers['access-control-request-headers'];
    return [
      'access-control-allow-methods',
      'GET, HEAD, POST, OPTIONS',
      ...(asked === undefined ? [] : ['access-control-allow-headers', asked]),
      'access-control-max-age',
      PREFLIGHT_MAX_AGE_SECONDS,
    ];
  }
}
