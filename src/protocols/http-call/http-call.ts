import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import {
  type HttpConfig,
  httpConfig,
  type InferenceConfig,
  inferenceConfig,
} from '../../config/config.slices';
import { readBody } from '../../http/body/body-reader';
import { UnbufferedRequest } from '../../http/node/unbuffered-request';
import { ERRORS } from '../../errors/domain-error';
import { toDomainError } from '../../http/errors/error-body';
import type { Exchange } from '../../http/exchange';
import { header } from '../../http/headers/header';
import { detachBuffer } from '../../http/node/detach-buffer';
import { EventLoopYield } from '../../http/event-loop-yield';
import type { Protocol } from '../../telemetry/metrics/outcome';
import { Recorder } from '../../telemetry/metrics/recorder';
import { ModelsService } from '../../models/models.service';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { RawRequest } from '../../processing/model-processing';
import { requestPool } from '../../tensors/array-pool';
import type { Tensor } from '../../tensors/tensor';
import { cacheHeaders, cacheUseOf } from '../../http/headers/cache-control';
import { deadlineOf } from '../../http/headers/request-timeout';
import { InFlightBytes } from '../../http/body/in-flight-bytes';
import { JsonThread } from './json-thread';
import { compress, type EncodedAnswer, inflate } from '../../http/body/content-encoding';
import { type InferenceResult, InferenceService } from '../../inference/inference.service';
import type { Worksite } from './offloadable';

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
  /** What is asked of the model's declaration, by raw inputs or for the answer alone; then `inputs` may be empty. */
  readonly raw?: RawRequest;
}

/** One protocol of inference calls: bytes and headers on one side, tensors on the other. */
export interface HttpCallCodec<Call extends DecodedCall> {
  /** What its calls are counted as. */
  readonly protocol: Protocol;
  /** Refuses by the headers alone, before the body is read. */
  check(exchange: Exchange): void;
  /** May the request be more urgent than others, as far as can be told without decoding it? */
  mayBeUrgent(exchange: Exchange, body: Buffer): boolean;
  /** @param work where its pure part is to be done */
  decode(exchange: Exchange, body: Buffer, model: LoadedModel, work: Worksite): Call | Promise<Call>;
  encode(
    exchange: Exchange,
    call: Call,
    model: LoadedModel,
    result: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer>;
}

/** The way of an inference call, from its first header to its last byte, whichever its protocol. */
@Injectable()
export class HttpCall {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    @Inject(inferenceConfig.KEY) private readonly config: InferenceConfig,
    private readonly models: ModelsService,
    private readonly inference: InferenceService,
    private readonly recorder: Recorder,
    private readonly jsonThread: JsonThread,
    private readonly budget: InFlightBytes,
    private readonly pacer: EventLoopYield,
  ) {
    requestPool.maxIdleBytes = http.bufferPoolBytes;
  }

  /** @param target which model the path names, or reads it from the body where that does */
  async handle<Call extends DecodedCall>(
    exchange: Exchange,
    target: CallTarget | ((body: Buffer) => CallTarget),
    codec: HttpCallCodec<Call>,
  ): Promise<void> {
    let { noModel: recorder } = this.recorder;
    let heldBytes = 0;
    const hold = (sizeBytes: number): void => {
      heldBytes = this.budget.raise(heldBytes, sizeBytes);
    };
    try {
      codec.check(exchange);
      const bodyLimitBytes = Math.min(this.http.bodyLimitBytes, exchange.caller?.maxBodyBytes ?? Infinity);
      const raw = await readBody(exchange.req, bodyLimitBytes, { hold, acquire: acquireBody });
      exchange.bytesIn = raw.length;
      const encoding = exchange.req.headers['content-encoding'];
      const body = encoding === undefined ? raw : await inflate(raw, encoding, bodyLimitBytes);
      hold(body.length);

      const turn = this.pacer.wait();
      if (turn !== undefined) await turn;
      const deadlineMs = deadlineOf(exchange, this.config.deadlineMs);
      const { model: name, version } = typeof target === 'function' ? target(body) : target;
      if (typeof target === 'function') exchange.caller?.requireInfer(name);
      const found = this.models.acquire(name, version, deadlineMs);
      const model = found instanceof Promise ? await found : found;
      // Only now, so that an unknown model's name never becomes a label or a log field.
      exchange.model = model.name;
      recorder = model.recorder;
      try {
        this.refuseEarly(exchange, model, body, deadlineMs, codec);
        await this.answer(exchange, model, body, deadlineMs, codec);
      } finally {
        this.models.release(model);
      }
    } catch (thrown) {
      const outcome = ERRORS[toDomainError(thrown).code].outcome;
      recorder.failed(codec.protocol, outcome, performance.now() - exchange.startedAt);
      throw thrown;
    } finally {
      this.budget.give(heldBytes);
    }
  }

  /** Under overload most requests are refused: it is not worth while to decode those that only a run could answer. */
  private refuseEarly<Call extends DecodedCall>(
    exchange: Exchange,
    model: LoadedModel,
    body: Buffer,
    deadlineMs: number,
    codec: HttpCallCodec<Call>,
  ): void {
    const refusal = model.queue.foreseeRefusal(deadlineMs);
    if (refusal === undefined || this.inference.mayBeKnown(model) || codec.mayBeUrgent(exchange, body))
      return;
    release(exchange.req, body);
    throw model.queue.refused(refusal);
  }

  private async answer<Call extends DecodedCall>(
    exchange: Exchange,
    model: LoadedModel,
    body: Buffer,
    deadlineMs: number,
    codec: HttpCallCodec<Call>,
  ): Promise<void> {
    const decodingMs = performance.now();
    const { work } = this.jsonThread;
    const decoded = codec.decode(exchange, body, model, work);
    const call = decoded instanceof Promise ? await decoded : decoded;
    const counted = exchange.caller?.spendRows(rowsOf(call));
    if (counted !== undefined) await counted;
    const decodedMs = performance.now();
    const result = await this.run(
      exchange,
      model,
      call,
      deadlineMs,
      // Raw inputs look into the body for as long as they wait.
      call.raw === undefined ? memoryOf(exchange.req, body, call.inputs) : NO_MEMORY,
    );
    // A large batch's requests all go on at once.
    const turn = this.pacer.wait();
    if (turn !== undefined) await turn;
    const encodingMs = performance.now();
    const encoding = codec.encode(exchange, call, model, result, work);
    const encoded = encoding instanceof Promise ? await encoding : encoding;
    const compressed = compress(encoded, header(exchange.req, 'accept-encoding'));
    const { headers, body: answer } = compressed instanceof Promise ? await compressed : compressed;
    exchange.send(200, [...headers, ...cacheHeaders(result)], answer);
    const endMs = performance.now();
    model.recorder.succeeded(
      codec.protocol,
      rowsOf(call),
      decodedMs - decodingMs,
      endMs - encodingMs,
      endMs - exchange.startedAt,
      endMs,
      result.run,
    );
  }

  private run(
    exchange: Exchange,
    model: LoadedModel,
    call: DecodedCall,
    deadlineMs: number,
    memory: readonly ArrayBufferView[],
  ): Promise<InferenceResult> {
    const ownDeadlineMs = exchange.startedAt + (call.timeoutMs ?? model.config.deadlineMs ?? Infinity);
    return this.inference.infer(model, {
      inputs: call.inputs,
      rows: rowsOf(call),
      priority: call.priority,
      deadlineMs: Math.min(deadlineMs, ownDeadlineMs),
      outputs: call.outputs,
      raw: call.raw,
      cacheUse: call.useCache ? cacheUseOf(exchange.req) : 'none',
      signal: exchange,
      onInputsConsumed: () => {
        for (const view of memory) release(exchange.req, view);
      },
      requestId: exchange.requestId,
    });
  }
}

const NO_MEMORY: readonly ArrayBufferView[] = [];

/** The leading dimension of the inputs; 1 for a model without one. */
function rowsOf({ inputs, raw }: DecodedCall): number {
  return inputs[0]?.shape[0] ?? raw?.inputs[0]?.pieces.length ?? 1;
}

function acquireBody(sizeBytes: number): Buffer {
  return requestPool.acquireBytes(sizeBytes);
}

/** Nobody here looks at it any more. What came through a stream, others may yet hold. */
function release(req: IncomingMessage, view: ArrayBufferView): void {
  if (requestPool.release(view) || !Buffer.isBuffer(view)) return;
  if (req instanceof UnbufferedRequest && req.bodyTaken) detachBuffer(view);
}

/** What can be used again once the inputs were read. A body of which none is a view is so at once. */
function memoryOf(req: IncomingMessage, body: Buffer, inputs: readonly Tensor[]): ArrayBufferView[] {
  const memory: ArrayBufferView[] = [];
  let isShared = false;
  for (const { data } of inputs) {
    if (Array.isArray(data)) continue;
    if (data.buffer === body.buffer) isShared = true;
    else memory.push(data);
  }
  if (isShared) memory.push(body);
  else release(req, body);
  return memory;
}
