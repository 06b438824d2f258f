import { withDeadline } from '../../common/with-deadline';
import { DomainError } from '../../errors/domain-error';
import { MAX_DEPTH } from '../../tensors/json/json-reader';
import { printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

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

/** Does the work: at once when it is small, else on another thread. */
export interface Worksite {
  <Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
  ): Value | Promise<Value>;
  /** The largest JSON of an answer: what is larger takes seconds of a thread, and more memory than it is worth. */
  readonly mostJsonBytes: number;
}

/**
 * The same worksite for a call that waits for nothing beyond its deadline: another thread takes one piece of work after
 * the other, however long each takes.
 * @param call its deadline counts as it is when the work begins
 */
export function inTime(worksite: Worksite, call: { readonly deadlineMs: number }): Worksite {
  const { mostJsonBytes } = worksite;
  const limited = <Args extends readonly unknown[], Value>(
    work: Offloadable<Args, Value>,
    jsonBytes: number,
    args: Args,
  ): Value | Promise<Value> => {
    const value = worksite(work, jsonBytes, args);
    return value instanceof Promise ? withDeadline(value, call.deadlineMs, 'large JSON') : value;
  };
  return Object.assign(limited, { mostJsonBytes });
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
