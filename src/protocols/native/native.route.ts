import type { FrontRoute } from '../../http/router';
import type { HttpCall } from '../http-call/http-call';
import { nativeProtocol, nativeTarget } from './native.protocol';

/** The native API's inference call at the front door. */
export function nativeRoute(apiPrefix: string, endpoint: HttpCall): FrontRoute {
  return {
    prefix: `${apiPrefix}/inference/`,
    handle: (exchange, rest) =>
      exchange.req.method === 'POST' && rest !== '' && !rest.includes('/')
        ? endpoint.handle(exchange, nativeTarget(rest, exchange.req.url), nativeProtocol)
        : undefined,
  };
}
