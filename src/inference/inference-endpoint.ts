import { Inject, Injectable } from '@nestjs/common';
import { type HttpConfig, httpConfig, type InferenceConfig, inferenceConfig } from '../config/config.slices';
import { readBody } from '../http/body-reader';
import type { Exchange } from '../http/exchange';
import { ModelsService } from '../models/models.service';
import type { ServedModel } from '../models/served-model';
import type { Tensor } from '../tensors/tensor';
import { deadlineOf } from './deadline';
import { inflate } from './content-encoding';
import { type InferenceResult, InferenceService } from './inference.service';

/** Which model a call's path names. */
export interface CallTarget {
  readonly model: string;
  readonly version: string | undefined;
}

/** What one request asks for, once its body is read. */
export interface DecodedCall {
  readonly inputs: readonly Tensor[];
  readonly outputs?: readonly string[];
  readonly priority: number;
  /** From the body, where the protocol has it there; it can only shorten the header's or the default. */
  readonly timeoutMs?: number;
  readonly useCache: boolean;
}

export interface EncodedAnswer {
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: readonly Buffer[];
}

/** One protocol of inference calls: bytes and headers on one side, tensors on the other. */
export interface InferenceCodec<Call extends DecodedCall> {
  /** Refuses by the headers alone, before the body is read. */
  check(exchange: Exchange): void;
  decode(exchange: Exchange, body: Buffer, model: ServedModel): Call;
  encode(exchange: Exchange, call: Call, model: ServedModel, result: InferenceResult): EncodedAnswer;
}

/** The way of an inference call, from its first header to its last byte, whichever its protocol. */
@Injectable()
export class InferenceEndpoint {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    @Inject(inferenceConfig.KEY) private readonly config: InferenceConfig,
    private readonly models: ModelsService,
    private readonly inference: InferenceService,
  ) {}

  async handle<Call extends DecodedCall>(
    exchange: Exchange,
    target: CallTarget,
    codec: InferenceCodec<Call>,
  ): Promise<void> {
    codec.check(exchange);
    const { bodyLimitBytes } = this.http;
    const raw = await readBody(exchange.req, bodyLimitBytes);
    exchange.bytesIn = raw.length;
    const encoding = exchange.req.headers['content-encoding'];
    const body = encoding === undefined ? raw : await inflate(raw, encoding, bodyLimitBytes);

    const deadlineMs = deadlineOf(exchange, this.config.deadlineMs);
    const found = this.models.acquire(target.model, target.version, deadlineMs);
    const model = found instanceof Promise ? await found : found;
    // Only now, so that an unknown model's name never becomes a label or a log field.
    exchange.model = model.name;
    try {
      const call = codec.decode(exchange, body, model);
      const result = await this.run(exchange, model, call, deadlineMs);
      const { headers, body: answer } = codec.encode(exchange, call, model, result);
      exchange.send(200, headers, answer);
    } finally {
      this.models.release(model);
    }
  }

  private run(
    exchange: Exchange,
    model: ServedModel,
    call: DecodedCall,
    deadlineMs: number,
  ): Promise<InferenceResult> {
    const ownDeadlineMs = exchange.startedAt + (call.timeoutMs ?? model.config.deadlineMs ?? Infinity);
    return this.inference.infer(model, {
      inputs: call.inputs,
      rows: call.inputs[0]?.shape[0] ?? 1,
      priority: call.priority,
      deadlineMs: Math.min(deadlineMs, ownDeadlineMs),
      outputs: call.outputs,
      useCache: call.useCache,
      signal: exchange,
    });
  }
}
