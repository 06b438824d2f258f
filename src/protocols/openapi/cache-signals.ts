import { CACHE_OUTCOMES } from '../../telemetry/metrics/outcome';
import type { HeadersObject, ParameterObject } from './openapi-types';

/** What a request may tell the cache by a header. */
export const CACHE_CONTROL: ParameterObject = {
  name: 'Cache-Control',
  in: 'header',
  required: false,
  description: 'no-cache: run the model, and keep the answer for others; no-store: leave the cache out.',
  schema: { type: 'string', enum: ['no-cache', 'no-store'] },
};

/** What the cache says of an answer. */
export const CACHE_HEADERS: HeadersObject = {
  'x-cache': {
    description: 'How the cache took part; SHARED: an equal call was under way, and its answer served both.',
    schema: { type: 'string', enum: [...CACHE_OUTCOMES] },
  },
  age: { description: 'Of a hit: seconds since the model ran.', schema: { type: 'integer' } },
};
