import type { Route } from '../../http/route-table';
import type { HttpCalls } from '../http-call/http-call';
import { nativeProtocol, nativeTarget } from './native.protocol';

/** The native API's calls about models. */
export function nativeRoutes(apiPrefix: string, calls: HttpCalls): readonly Route[] {
  const pattern = `${apiPrefix}/inference/{model}`;
  return [
    {
      method: 'POST',
      pattern,
      scope: 'infer',
      answer: (exchange, { model }) =>
        calls.handle(exchange, nativeTarget(model, exchange.req.url), nativeProtocol),
    },
    { method: 'GET', pattern, scope: 'models:read' },
    { method: 'GET', pattern: `${pattern}/example`, scope: 'models:read' },
    { method: 'GET', pattern: `${apiPrefix}/inference/models`, scope: 'models:read' },
  ];
}
