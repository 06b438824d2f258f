import type { IncomingMessage } from 'node:http';
import type { CacheUse } from '../../cache/prediction-cache';
import { header } from '../../http/headers/header';
import type { InferenceResult } from '../../inference/inference-call';

/**
 * What a request's `Cache-Control` lets the cache do. https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1
 * `no-cache` wants an answer that is made now, `no-store` one that is not kept; both also ask for the other where
 * they come together. Further directives are for caches on the way.
 */
export function cacheUseOf(req: IncomingMessage): CacheUse {
  const text = header(req, 'cache-control');
  if (text === undefined) return 'use';
  const directives = text.toLowerCase().split(',');
  const has = (name: string): boolean => directives.some((directive) => directive.trim() === name);
  if (has('no-store')) return 'none';
  return has('no-cache') ? 'refresh' : 'use';
}

/** How the cache took part in an answer, as names and values in turn. */
export function cacheHeaders({ cache, ageSeconds }: InferenceResult): string[] {
  return ageSeconds === undefined ? ['x-cache', cache] : ['x-cache', cache, 'age', String(ageSeconds)];
}
