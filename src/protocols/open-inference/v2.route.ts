import type { FrontRoute } from '../../http/router';
import type { HttpCall } from '../http-call/http-call';
import { V2_PREFIX, v2Protocol, v2Target } from './v2.protocol';

/** The protocol's inference call at the front door. */
export function v2Route(endpoint: HttpCall): FrontRoute {
  return {
    prefix: `${V2_PREFIX}/models/`,
    handle: (exchange, rest) => {
      const target = exchange.req.method === 'POST' ? v2Target(rest) : undefined;
      return target && endpoint.handle(exchange, target, v2Protocol);
    },
  };
}
