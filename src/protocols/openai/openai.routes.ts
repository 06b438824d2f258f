import type { Route } from '../../http/route-table';
import type { HttpCalls } from '../http-call/http-call';
import { EmbeddingsProtocol } from './embeddings.protocol';
import { OPENAI_PREFIX } from './openai-errors';

/** Those of OpenAI's calls that there are. */
export function openAiRoutes(calls: HttpCalls): readonly Route[] {
  return [
    {
      method: 'POST',
      pattern: `${OPENAI_PREFIX}/embeddings`,
      scope: 'infer',
      answer: (exchange) => {
        const protocol = new EmbeddingsProtocol();
        return calls.handle(exchange, (body) => protocol.target(body), protocol);
      },
    },
    { method: 'GET', pattern: `${OPENAI_PREFIX}/models`, scope: 'models:read' },
    { method: 'GET', pattern: `${OPENAI_PREFIX}/models/{model}`, scope: 'models:read' },
  ];
}
