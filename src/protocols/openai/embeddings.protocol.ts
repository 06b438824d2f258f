import { join } from 'node:path';
import { DomainError } from '../../errors/domain-error';
import type { EncodedAnswer } from '../../http/body/content-encoding';
import type { Exchange } from '../../http/exchange';
import { requireAcceptable, requireContentType } from '../../http/headers/content-negotiation';
import type { CacheUse } from '../../cache/prediction-cache';
import type { InferenceRequest, InferenceResult } from '../../inference/inference-call';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { tokenCount } from '../../processing/input-facts';
import { rawRequest } from '../../processing/model-processing';
import type { RequestOptions } from '../../processing/options';
import type { TextPlan } from '../../processing/text/text-plan';
import { DEFAULT_PRIORITY_LEVEL } from '../../scheduling/scheduled-request';
import { cacheUseOf, priorityOf } from '../http-call/call-headers';
import type { CallTarget, HttpCallCodec, HttpCalls } from '../http-call/http-call';
import { asBuffer, jsonBytesOf, offloadable, whenDone, type Worksite } from '../http-call/json-thread';
import { encodeEmbeddings, type EmbeddingsAnswer } from './embeddings-answer';
import { type EmbeddingsRequest, readEmbeddingsRequest } from './embeddings-request';
import type { Route } from '../../http/route-table';
import { OPENAI_PREFIX } from './openai-errors';

const ENCODE = offloadable(join(__dirname, 'embeddings-answer'), encodeEmbeddings, { consumes: false });
const JSON_TYPES = ['application/json'];
const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8'];

/** A call, and what of it only its answer needs. */
interface EmbeddingsCall extends InferenceRequest {
  readonly request: EmbeddingsRequest;
  /** The declared output with the vectors. */
  readonly output: string;
}

/** One call of `POST /v1/embeddings`: its body names the model, so it is read before there is one. */
export class EmbeddingsProtocol implements HttpCallCodec<EmbeddingsCall> {
  readonly protocol = 'openai';
  private request: EmbeddingsRequest | undefined;

  target(body: Buffer): CallTarget {
    this.request = readEmbeddingsRequest(body);
    return { model: this.request.model, version: undefined };
  }

  check({ req }: Exchange): void {
    requireContentType(req, JSON_TYPES);
    requireAcceptable(req, JSON_TYPES);
  }

  cacheUse(exchange: Exchange): CacheUse {
    return cacheUseOf(exchange);
  }

  mayBeUrgent(exchange: Exchange): boolean {
    return priorityOf(exchange) < DEFAULT_PRIORITY_LEVEL;
  }

  decode(exchange: Exchange, body: Buffer, model: LoadedModel): EmbeddingsCall {
    const request = this.request ?? readEmbeddingsRequest(body);
    const { plan, output } = embedderOf(model);
    const { pieces, media, dimensions, truncate } = request;
    const options: RequestOptions = { dimensions, truncate };
    const input = { name: plan.name, media, pieces, isList: true } as const;
    return {
      inputs: [],
      raw: rawRequest([input], options, false),
      priority: priorityOf(exchange),
      request,
      output,
    };
  }

  encode(
    _exchange: Exchange,
    { request, output }: EmbeddingsCall,
    _model: LoadedModel,
    { outputs }: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer> {
    const vectors = outputs.find(({ name }) => name === output);
    if (vectors === undefined) throw new Error(`There is no output ${output}.`);
    const { model, format } = request;
    const answer: EmbeddingsAnswer = { model, format, vectors, tokens: tokenCount(outputs) };
    const encoded = work.run(ENCODE, jsonBytesOf([vectors], true), [answer]);
    return whenDone(encoded, (bytes) => ({ headers: JSON_HEADERS, body: [asBuffer(bytes)] }));
  }
}

/** @throws invalid_request where the model makes no vectors of texts */
function embedderOf({ name, processing }: LoadedModel): { plan: TextPlan; output: string } {
  const [input, ...others] = processing?.pipeline.inputs ?? [];
  const output = processing?.pipeline.outputs.find(({ type }) => type === 'embedding');
  const plan = input?.plan;
  if (plan?.type === 'text' && !plan.pairs && others.length === 0 && output !== undefined) {
    return { plan, output: output.name };
  }
  throw new DomainError(
    'invalid_request',
    `Model "${name}" makes no embeddings of texts: it declares no text input with an output of type embedding.`,
  );
}

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
