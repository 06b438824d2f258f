import { PassingMap } from '../../common/passing';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ClusterConfig, clusterConfig, type HttpConfig, httpConfig } from '../../config/config.slices';
import { DomainError, errorFrom } from '../../errors/domain-error';
import { type JsonThreadCall, type JsonThreadReply, copied, transferable } from './messages';
import { withDeadline } from '../../common/with-deadline';
import { MAX_DEPTH } from '../../tensors/json/json-reader';
import { printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

const ENTRY = join(__dirname, 'json-thread.entry.js');
/** JSON above this takes longer than a hop to the thread, and longer than the event loop may be held. */
const LARGE_JSON_BYTES = 256 * 1024;

/** A pure function that another thread can find: by the module that exports it, and its name there. */
export interface Offloadable<Args extends readonly unknown[], Value> {
  readonly module: string;
  readonly name: string;
  readonly call: (...args: Args) => Value;
  /** Are the arguments of no use afterwards, so that their memory may change hands? */
  readonly consumes: boolean;
}

/**
 * @param module absolute path, without the ending, of the module that exports `call` under its own name; the
 *   module and all that it imports must do without the rest of the server
 */
export function offloadable<Args extends readonly unknown[], Value>(
  module: string,
  call: (...args: Args) => Value,
  { consumes }: { consumes: boolean },
): Offloadable<Args, Value> {
  return { module, name: call.name, call, consumes };
}

/** Where the pure work of a call is done: at once when it is small, else on another thread. */
export interface Worksite {
  run<Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
  ): Value | Promise<Value>;
  /** The largest JSON of an answer: what is larger takes seconds of a thread, and more memory than it is worth. */
  readonly mostJsonBytes: number;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: DomainError) => void;
}

/** A thread for bodies that are too large for the event loop, started when the first one comes. */
@Injectable()
export class JsonThread implements OnApplicationShutdown {
  private readonly pending = new PassingMap<number, Pending>();
  private worker: Worker | undefined;
  private lastId = 0;
  /** The largest JSON of an answer. */
  readonly mostJsonBytes: number;

  constructor(
    @Inject(clusterConfig.KEY) private readonly config: ClusterConfig,
    @Inject(httpConfig.KEY) { jsonAnswerLimitBytes }: HttpConfig,
  ) {
    this.mostJsonBytes = jsonAnswerLimitBytes;
  }

  /**
   * Does small work at once and large work on the thread, which takes one piece after the other, however long each
   * takes: nothing is waited for beyond the deadline of its call.
   */
  run<Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
    { deadlineMs }: { readonly deadlineMs: number },
  ): Value | Promise<Value> {
    return jsonBytes > LARGE_JSON_BYTES
      ? withDeadline(this.post(work, args), deadlineMs, 'large JSON')
      : work.call(...args);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.worker?.terminate();
  }

  /** Has the thread do it. */
  protected post<Args extends readonly unknown[], Value>(
    { module, name, consumes }: Offloadable<Args, Value>,
    given: Args,
  ): Promise<Value> {
    this.worker ??= this.start();
    const args = consumes ? given : (copied(given) as Args);
    const call: JsonThreadCall = { id: ++this.lastId, module, name, args };
    return new Promise<Value>((resolve, reject) => {
      this.pending.set(call.id, { resolve, reject });
      this.worker?.postMessage(call, [...transferable(args)]);
    });
  }

  private start(): Worker {
    const worker = new Worker(ENTRY, { workerData: { niceness: this.config.threadNiceness } });
    worker.on('message', (reply: JsonThreadReply) => this.settle(reply));
    // The exit that follows settles everything.
    worker.on('error', () => undefined);
    worker.once('exit', () => this.bury());
    return worker;
  }

  private settle(reply: JsonThreadReply): void {
    const pending = this.pending.get(reply.id);
    this.pending.delete(reply.id);
    if (reply.ok) pending?.resolve(reply.value as never);
    else pending?.reject(errorFrom(reply));
  }

  /** The next large body starts another one. */
  private bury(): void {
    this.worker = undefined;
    const lost = [...this.pending.values()];
    this.pending.clear();
    const death = new DomainError('internal_error', 'The JSON thread ended while it worked on this request.');
    for (const { reject } of lost) reject(death);
  }
}

/** What `next` makes of a value, now or when it is there. */
export function whenDone<Value, Next>(
  value: Value | Promise<Value>,
  next: (value: Value) => Next,
): Next | Promise<Next> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What one element takes in JSON, about: seven digits, a point and a comma. */
const JSON_BYTES_PER_ELEMENT = 9;
/** Two brackets and a comma. */
const JSON_BYTES_PER_ARRAY = 3;

/**
 * How large the JSON of tensors will be, roughly: their elements, and where these are nested as their shape is the
 * brackets, of which a dimension of 0 may want any number.
 */
export function jsonBytesOf(tensors: readonly Tensor[], nested: boolean): number {
  let bytes = 0;
  for (const { data, shape } of tensors) {
    bytes += data.length * JSON_BYTES_PER_ELEMENT;
    if (Array.isArray(data)) for (const text of data) bytes += text.length;
    if (!nested) continue;
    let arrays = 1;
    for (let level = 0; level < shape.length; level++) {
      bytes += arrays * JSON_BYTES_PER_ARRAY;
      arrays *= shape[level]!;
    }
  }
  return bytes;
}

/** @throws answer_too_large for outputs whose JSON nobody should wait for */
export function refuseLargeJson(
  outputs: readonly Tensor[],
  jsonBytes: number,
  { mostJsonBytes }: Worksite,
): void {
  if (jsonBytes <= mostJsonBytes) return;
  const shapes = outputs.map(({ name, shape }) => `"${name}" ${printShape(shape)}`).join(', ');
  throw new DomainError(
    'answer_too_large',
    `The outputs ${shapes} take about ${Math.round(jsonBytes / 1024)} KiB of JSON, more than ${Math.round(mostJsonBytes / 1024)} (JSON_ANSWER_LIMIT); the binary form of the Open Inference Protocol is smaller.`,
  );
}

/** @throws answer_too_large for outputs whose arrays would be nested so deeply that nothing reads them, printing them least */
export function refuseDeepJson(outputs: readonly Tensor[]): void {
  const deep = outputs.find(({ shape }) => shape.length > MAX_DEPTH);
  if (deep === undefined) return;
  throw new DomainError(
    'answer_too_large',
    `The output "${deep.name}" has ${deep.shape.length} dimensions, and JSON is nested ${MAX_DEPTH} deep at most; the Open Inference Protocol has no arrays in arrays.`,
  );
}

/** The bytes as a Buffer, which loses its class on the way between threads. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
