import { FAILURES } from '../../errors/domain-error';

/** The protocols of inference calls, in the order in which they are counted. */
export const PROTOCOLS = ['native', 'v2', 'openai'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** How an inference call can end, in the order in which the endings are counted. */
export const OUTCOMES = ['success', ...FAILURES] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** How an answer came about, in the order of counting: the values of the header `x-cache`. */
export const CACHE_OUTCOMES = ['HIT', 'MISS', 'BYPASS', 'SHARED'] as const;
export type CacheOutcome = (typeof CACHE_OUTCOMES)[number];

/** Where answers are kept, in the order of counting. */
export const CACHE_TIERS = ['memory', 'redis'] as const;
export type CacheTierName = (typeof CACHE_TIERS)[number];

/** How one attempt of a call to a remote can end, in the order of counting; docs/remote.md says what each means. */
export const REMOTE_OUTCOMES = [
  'success',
  'unreachable',
  'connect_timeout',
  'timeout',
  'broken',
  'busy',
  'unavailable',
  'gateway',
  'gateway_timeout',
  'missing',
  'failed',
  'refused',
  'redirected',
  'malformed',
  'too_large',
  'cancelled',
] as const;
export type RemoteOutcome = (typeof REMOTE_OUTCOMES)[number];
