import type { CacheUse } from '../../cache/prediction-cache';
import { DomainError } from '../../errors/domain-error';
import type { Exchange } from '../../http/exchange';
import type { InferenceResult } from '../../inference/inference-call';
import { DEFAULT_PRIORITY_LEVEL, PRIORITY_LEVELS } from '../../scheduling/scheduled-request';
import type { RunTimes } from '../../telemetry/metrics/recorder';

/** How long the client is ready to wait, in milliseconds from the arrival of its request. */
const TIMEOUT_HEADER = 'x-request-timeout-ms';
const LONGEST_MS = 24 * 3600 * 1000;
/** How urgent a request is, where the protocol's body has no place for it. */
const PRIORITY_HEADER = 'x-priority';
/** Asks for the times of a call in its answer: `x-server-timing: 1`. Others pay nothing for it. */
export const TIMING_HEADER = 'x-server-timing';

/**
 * When an exchange must be answered, in milliseconds of `performance.now()`.
 * @throws invalid_request for a header that is not a whole number of milliseconds from 1 to a day
 */
export function deadlineOf(exchange: Exchange, defaultMs: number): number {
  const text = exchange.header(TIMEOUT_HEADER);
  if (text === undefined) return exchange.startedAt + defaultMs;
  const timeoutMs = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (timeoutMs < 1 || timeoutMs > LONGEST_MS) {
    throw new DomainError(
      'invalid_request',
      `Header ${TIMEOUT_HEADER}: expected a whole number of milliseconds from 1 to ${LONGEST_MS}, got "${text.slice(0, 40)}".`,
    );
  }
  return exchange.startedAt + timeoutMs;
}

/** @throws invalid_request for anything but a level from 1 (most urgent) to the lowest */
export function priorityOf(exchange: Exchange): number {
  const text = exchange.header(PRIORITY_HEADER);
  if (text === undefined) return DEFAULT_PRIORITY_LEVEL;
  const priority = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (priority < 1 || priority > PRIORITY_LEVELS) {
    throw new DomainError(
      'invalid_request',
      `Header ${PRIORITY_HEADER}: expected a level from 1 (most urgent) to ${PRIORITY_LEVELS}, got "${text.slice(0, 40)}".`,
    );
  }
  return priority;
}

/**
 * What a request's `Cache-Control` lets the cache do. https://www.rfc-editor.org/rfc/rfc9111#section-5.2.1
 * `no-cache` wants an answer that is made now, `no-store` one that is not kept; both also ask for the other where
 * they come together. Further directives are for caches on the way.
 */
export function cacheUseOf(exchange: Exchange): CacheUse {
  const text = exchange.header('cache-control');
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

/** https://www.w3.org/TR/server-timing/: what the stages of one call took, which browsers show beside the request. */
export function serverTiming(decodeMs: number, run: RunTimes | undefined, encodeMs: number): string {
  // An answer of the cache neither waited nor ran.
  const stages: readonly (readonly [name: string, ms: number | undefined])[] = [
    ['queue', run?.queueMs],
    ['decode', decodeMs],
    ['run', run?.runMs],
    ['encode', encodeMs],
  ];
  return stages.flatMap(([name, ms]) => (ms === undefined ? [] : `${name};dur=${ms.toFixed(3)}`)).join(', ');
}
