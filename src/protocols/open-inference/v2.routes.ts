import { constantAnswer, type Route, type RouteAnswer } from '../../http/route-table';
import type { HttpCalls } from '../http-call/http-call';
import { V2_PREFIX, v2Protocol } from './v2.protocol';

/** The protocol's calls. */
export function v2Routes(calls: HttpCalls): readonly Route[] {
  const infer: RouteAnswer = (exchange, target) => calls.handle(exchange, target, v2Protocol);
  return [
    ...['{model}', '{model}/versions/{version}'].flatMap((of): Route[] => [
      { method: 'POST', pattern: `${V2_PREFIX}/models/${of}/infer`, scope: 'infer', answer: infer },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/ready`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/config`, scope: 'models:read' },
      { method: 'GET', pattern: `${V2_PREFIX}/models/${of}/stats`, scope: 'metrics:read' },
    ]),
    { method: 'GET', pattern: `${V2_PREFIX}/models/stats`, scope: 'metrics:read' },
    { method: 'GET', pattern: `${V2_PREFIX}/models`, scope: 'models:read' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/index`, scope: 'models:read' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/models/{model}/load`, scope: 'models:write' },
    { method: 'POST', pattern: `${V2_PREFIX}/repository/models/{model}/unload`, scope: 'models:write' },
    { method: 'GET', pattern: V2_PREFIX, scope: 'open' },
    { method: 'GET', pattern: `${V2_PREFIX}/health/ready`, scope: 'open' },
    {
      method: 'GET',
      pattern: `${V2_PREFIX}/health/live`,
      scope: 'open',
      answer: constantAnswer({ live: true }),
    },
  ];
}
