import type { FrontRoute } from '../http/front-door';
import type { InferenceEndpoint } from '../inference/inference-endpoint';
import { V2_PREFIX, v2Protocol, v2Target } from './v2.protocol';

/** The protocol's inference call at the front door. */
export function v2Route(endpoint: InferenceEndpoint): FrontRoute {
  return {
    prefix: `${V2_PREFIX}/models/`,
    handle: (exchange, rest) => {
      const target = exchange.req.method === 'POST' ? v2Target(rest) : undefined;
      return target && endpoint.handle(exchange, target, v2Protocol);
    },
  };
}
