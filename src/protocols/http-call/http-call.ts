import { Inject, Injectable } from '@nestjs/common';
import {
  type HttpConfig,
  httpConfig,
  type InferenceConfig,
  inferenceConfig,
} from '../../config/config.slices';
import { readBody, type BodyRoom } from '../../http/body/body-reader';
import {
  compress,
  type CompressionConfig,
  type EncodedAnswer,
  inflate,
} from '../../http/body/content-encoding';
import { InFlightBytes } from '../../http/body/in-flight-bytes';
import type { Exchange } from '../../http/exchange';
import { noJsonInForm } from '../../http/headers/content-negotiation';
import type { CacheUse } from '../../cache/prediction-cache';
import {
  type InferenceCall,
  type InferenceRequest,
  type InferenceResult,
  rowsOf,
} from '../../inference/inference-call';
import { InferenceService } from '../../inference/inference.service';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { Protocol } from '../../telemetry/metrics/outcome';
import type { RequestTrace } from '../../telemetry/tracing/trace-record';
import { requestPool } from '../../tensors/array-pool';
import type { Tensor } from '../../tensors/tensor';
import { cacheHeaders, deadlineOf, serverTiming, TIMING_HEADER } from './call-headers';
import { JsonThread, type Offloadable, type Worksite } from './json-thread';

/** Which model a call's path names. */
export interface CallTarget {
  readonly model: string;
  readonly version: string | undefined;
}

/** One protocol of inference calls: bytes and headers on one side, tensors on the other. */
export interface HttpCallCodec<Request extends InferenceRequest> {
  /** What its calls are counted as. */
  readonly protocol: Protocol;
  /** Refuses by the headers alone, before the body is read. */
  check(exchange: Exchange): void;
  /** What the cache may do with a call. */
  cacheUse(exchange: Exchange): CacheUse;
  /** May the request be more urgent than others, as far as can be told without decoding it? */
  mayBeUrgent(exchange: Exchange, body: Buffer): boolean;
  /** @param work where its pure part is to be done */
  decode(exchange: Exchange, body: Buffer, model: LoadedModel, work: Worksite): Request | Promise<Request>;
  encode(
    exchange: Exchange,
    request: Request,
    model: LoadedModel,
    result: InferenceResult,
    work: Worksite,
  ): EncodedAnswer | Promise<EncodedAnswer>;
}

/** The way of an inference call over HTTP, from its first header to its last byte, whichever its protocol. */
@Injectable()
export class HttpCalls {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    @Inject(inferenceConfig.KEY) private readonly config: InferenceConfig,
    private readonly inference: InferenceService,
    private readonly jsonThread: JsonThread,
    private readonly budget: InFlightBytes,
  ) {
    requestPool.maxIdleBytes = http.bufferPoolBytes;
  }

  /**
   * Answers the call; rejects with what kept it from that, which is counted already.
   * @param target which model the path names, or reads it from the body where that does
   */
  async handle<Request extends InferenceRequest>(
    exchange: Exchange,
    target: CallTarget | ((body: Buffer) => CallTarget),
    codec: HttpCallCodec<Request>,
  ): Promise<void> {
    const { jsonThread, budget, http } = this;
    const call = new HttpCall(exchange, target, codec, jsonThread, budget, http.compression);
    try {
      await this.read(call, exchange);
      await this.inference.infer(call);
    } catch (thrown) {
      throw noJsonInForm(exchange.req, thrown);
    } finally {
      this.budget.give(call.heldBytes);
    }
  }

  /** Reads the body of a call that its headers do not forbid. */
  private async read(call: HttpCall<InferenceRequest>, exchange: Exchange): Promise<void> {
    try {
      call.check();
      const bodyLimitBytes = Math.min(this.http.bodyLimitBytes, exchange.caller?.maxBodyBytes ?? Infinity);
      call.deadlineMs = deadlineOf(exchange, this.config.deadlineMs);
      const { named } = call;
      const looking = named && this.inference.refuseUnknown(named.model, named.version, call.deadlineMs);
      if (looking !== undefined) await looking;
      const raw = await readBody(exchange.req, bodyLimitBytes, call);
      exchange.bytesIn = raw.length;
      exchange.readMs = performance.now() - exchange.startedAt;
      const encoding = exchange.req.headers['content-encoding'];
      call.take(encoding === undefined ? raw : await inflate(raw, encoding, bodyLimitBytes, call));
    } catch (thrown) {
      this.inference.refused(call.protocol, call.startedAt, thrown);
      throw thrown;
    }
  }
}

/** What a string takes besides its characters. */
const STRING_BYTES = 24;
const NOTHING: readonly ArrayBufferView[] = [];

/** One inference call that came over HTTP. */
class HttpCall<Request extends InferenceRequest> implements InferenceCall<void>, BodyRoom, Worksite {
  model = '';
  version: string | undefined = undefined;
  readonly protocol: Protocol;
  readonly startedAt: number;
  readonly requestId: string;
  readonly trace: RequestTrace | undefined;
  deadlineMs = Infinity;
  /** What its body holds of the budget. */
  heldBytes = 0;
  private body: Buffer | undefined;
  private request: Request | undefined;
  private decodingMs = 0;
  /** What can be used again once the inputs were read. */
  private memory = NOTHING;

  constructor(
    readonly signal: Exchange,
    private readonly target: CallTarget | ((body: Buffer) => CallTarget),
    private readonly codec: HttpCallCodec<Request>,
    private readonly jsonThread: JsonThread,
    private readonly budget: InFlightBytes,
    private readonly compression: CompressionConfig,
  ) {
    this.protocol = codec.protocol;
    this.startedAt = signal.startedAt;
    this.requestId = signal.requestId;
    this.trace = signal.trace;
  }

  /** What is known of its target before its body is. */
  get named(): CallTarget | undefined {
    return typeof this.target === 'function' ? undefined : this.target;
  }

  attribute(name: string): string | undefined {
    return this.signal.header(name);
  }

  get mostJsonBytes(): number {
    return this.jsonThread.mostJsonBytes;
  }

  run<Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
  ): Value | Promise<Value> {
    return this.jsonThread.run(work, jsonBytes, args, this);
  }

  get cacheUse(): CacheUse {
    return this.codec.cacheUse(this.signal);
  }

  check(): void {
    this.codec.check(this.signal);
  }

  hold(sizeBytes: number): void {
    this.heldBytes = this.budget.raise(this.heldBytes, sizeBytes);
  }

  begin(): void {
    this.signal.wantBody();
  }

  acquire(sizeBytes: number): Buffer {
    return requestPool.acquireBytes(sizeBytes);
  }

  /** The whole body, without its content encoding. @throws forbidden, where the body names a model that is not the caller's */
  take(body: Buffer): void {
    this.hold(body.length);
    this.body = body;
    this.memory = [body];
    const { target } = this;
    const { model, version } = typeof target === 'function' ? target(body) : target;
    if (typeof target === 'function') this.signal.caller?.requireInfer(model);
    this.model = model;
    this.version = version;
  }

  /** Only now, so that an unknown model's name never becomes a label or a log field. */
  accepted({ name }: LoadedModel): void {
    this.signal.model = name;
  }

  mayBeUrgent(): boolean {
    return this.codec.mayBeUrgent(this.signal, this.body!);
  }

  decode(model: LoadedModel): Request | Promise<Request> {
    this.decodingMs = performance.now();
    const decoded = this.codec.decode(this.signal, this.body!, model, this);
    return decoded instanceof Promise
      ? decoded.then((request) => this.decoded(request))
      : this.decoded(decoded);
  }

  async encode(model: LoadedModel, result: InferenceResult): Promise<void> {
    const exchange = this.signal;
    exchange.queueMs = result.run?.queueMs;
    exchange.runMs = result.run?.runMs;
    const isTimed = exchange.req.headers[TIMING_HEADER] === '1';
    const encodingMs = isTimed ? performance.now() : 0;
    const encoding = this.codec.encode(exchange, this.request!, model, result, this);
    const encoded = encoding instanceof Promise ? await encoding : encoding;
    // What it came with is not needed any more.
    const answerBytes = encoded.body.reduce((sum, { length }) => sum + length, 0);
    this.heldBytes = this.budget.replace(this.heldBytes, answerBytes);
    const compressed = compress(encoded, exchange.header('accept-encoding'), this.compression);
    const { headers, body } = compressed instanceof Promise ? await compressed : compressed;
    const all = [...headers, ...cacheHeaders(result)];
    if (isTimed) {
      all.push(
        'server-timing',
        serverTiming(exchange.decodeMs ?? 0, result.run, performance.now() - encodingMs),
      );
    }
    exchange.send(200, all, body);
    this.holdUntilGone();
  }

  /** How fast an answer goes is its client's to say. */
  private holdUntilGone(): void {
    const { heldBytes, budget } = this;
    if (heldBytes === 0) return;
    this.heldBytes = 0;
    this.signal.whenGone(() => budget.give(heldBytes));
  }

  release(): void {
    const { memory } = this;
    this.memory = NOTHING;
    for (const view of memory) this.giveBack(view);
  }

  private decoded(request: Request): Request | Promise<Request> {
    this.signal.decodeMs = performance.now() - this.decodingMs;
    this.request = request;
    // Raw inputs look into the body until they are read, which is when all that is in memory can be used again.
    if (request.raw === undefined) this.exchangeBody(this.body!, request.inputs);
    this.body = undefined;
    const counted = this.signal.caller?.spendRows(rowsOf(request));
    return counted === undefined ? request : counted.then(() => request);
  }

  /** A body of which no input is a view can be used again at once: what it became counts from here on. */
  private exchangeBody(body: Buffer, inputs: readonly Tensor[]): void {
    const memory: ArrayBufferView[] = [];
    let sizeBytes = 0;
    let isShared = false;
    for (const { data } of inputs) {
      if (Array.isArray(data)) {
        for (const text of data) sizeBytes += STRING_BYTES + 2 * text.length;
      } else if (data.buffer === body.buffer) {
        isShared = true;
      } else {
        sizeBytes += data.byteLength;
        memory.push(data);
      }
    }
    this.memory = memory;
    if (isShared) memory.push(body);
    else this.giveBack(body);
    this.heldBytes = this.budget.replace(this.heldBytes, isShared ? sizeBytes + body.length : sizeBytes);
  }

  private giveBack(view: ArrayBufferView): void {
    if (!requestPool.release(view) && Buffer.isBuffer(view)) this.signal.giveBack(view);
  }
}
