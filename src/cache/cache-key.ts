import { createHash, hash as hashOnce, type Hash } from 'node:crypto';
import { type Datatype, DATATYPES, type NumericArray } from '../tensors/datatype';
import type { Tensor, TensorSpec } from '../tensors/tensor';

/** What of a served version its keys are made of. */
export interface KeyedModel {
  readonly version: string;
  /** Of its files and of the settings that change its answers: 64 hex digits. */
  readonly digest: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** What a request asks of a declaration: its raw inputs, none of which is decoded for a key, and its options. */
export interface KeyedRaw {
  /** Nothing where tensors are sent, and only the answer is declared. */
  readonly inputs: readonly {
    readonly name: string;
    readonly media: string;
    readonly charset?: string;
    readonly pieces: readonly (Uint8Array | string)[];
  }[];
  /** The same text for the same options. */
  readonly optionsText: string;
}

/** The first thing that is hashed. Another encoding gets another one, so that old keys are never met again. */
const FORM = 'nestor-key-1';
/** Likewise, where a declaration takes part. */
const RAW_FORM = 'nestor-raw-key-1';
const DATATYPE_CODE = Object.fromEntries(DATATYPES.map((datatype, i) => [datatype, i + 1])) as Record<
  Datatype,
  number
>;

/**
 * Names the answers of one version: SHA-256 over a byte-exact encoding of the model's content and the request
 * (docs/cache.md, "The key"), in base64url. Everything that does not change with the request is encoded once.
 *
 * SHA-256, because a client must not be able to make two requests of one key and have another client served the
 * wrong answer. With the processor's instructions for it, it is also as fast as any that Node has but one: 3 µs for
 * 784 floats, 72 µs for an image of 27,648 (SHA-1 66, BLAKE2b 130, MD5 190 to 320; see bench/micro/cache-key.js).
 */
export class KeyMaker {
  private readonly prefix: Buffer;
  private readonly rawPrefix: Buffer;
  /** The inputs in the order of their names. */
  private readonly inputs: readonly { readonly index: number; readonly head: Buffer }[];
  private readonly allOutputs: Buffer;
  /** Not the model itself: what a `WeakMap` has for a model must not hold it, or a full collection alone lets it go. */
  private readonly outputs: KeyedModel['outputs'];

  /** @param runtime the version of what runs the model: another one may round differently */
  constructor(model: KeyedModel, runtime: string) {
    this.outputs = model.outputs;
    const byName = model.inputs.map(({ name }, index) => ({ name, index })).sort(compareNames);
    const headOf = (form: string): Buffer[] => [form, runtime, model.digest, model.version].map(text);
    this.prefix = Buffer.concat([...headOf(FORM), u32(byName.length)]);
    this.rawPrefix = Buffer.concat(headOf(RAW_FORM));
    this.inputs = byName.map(({ name, index }) => ({ index, head: text(name) }));
    this.allOutputs = outputNames(model.outputs);
  }

  /**
   * @param inputs in the order in which the model declares them
   * @param outputs names of the wanted ones, in any order; all of them when absent
   * @param raw what is asked of the model's declaration; of its inputs there are either these or tensors
   */
  keyOf(inputs: readonly Tensor[], outputs?: readonly string[], raw?: KeyedRaw): string {
    writer.start();
    if (raw !== undefined) this.addRaw(raw, outputs);
    if (raw === undefined || raw.inputs.length === 0) this.addTensors(inputs, outputs);
    return writer.digest();
  }

  private addTensors(inputs: readonly Tensor[], outputs: readonly string[] | undefined): void {
    writer.raw(this.prefix);
    for (const { index, head } of this.inputs) {
      const { datatype, shape, data } = inputs[index]!;
      writer.raw(head);
      writer.tensorHead(DATATYPE_CODE[datatype], shape, data.length);
      if (Array.isArray(data)) for (const element of data) writer.text(element);
      else writer.raw(bytesOf(data));
    }
    writer.raw(outputs === undefined ? this.allOutputs : this.wanted(outputs));
  }

  /** Raw inputs in their order, each with the bytes that it came in: a picture is not decoded to be found. */
  private addRaw({ inputs, optionsText }: KeyedRaw, outputs: readonly string[] | undefined): void {
    writer.raw(this.rawPrefix);
    writer.text(optionsText);
    writer.raw(u32(inputs.length));
    for (const { name, media, charset, pieces } of inputs) {
      writer.text(name);
      writer.text(charset === undefined ? media : `${media};${charset}`);
      writer.raw(u32(pieces.length));
      for (const piece of pieces) {
        if (typeof piece === 'string') writer.text(piece);
        else {
          writer.raw(u32(piece.length));
          writer.raw(piece);
        }
      }
    }
    const names = outputs?.map((name) => ({ name })).sort(compareNames);
    writer.raw(u32(names?.length ?? 0xffffffff));
    for (const { name } of names ?? []) writer.text(name);
  }

  private wanted(outputs: readonly string[]): Buffer {
    return outputNames(this.outputs.filter(({ name }) => outputs.includes(name)));
  }
}

/** Less than this is gathered and hashed in one call, which spares a hash object; more is hashed where it lies. */
const SCRATCH_BYTES = 8192;
const BYTES_PER_CODE_UNIT = 3;

class KeyWriter {
  private readonly scratch = Buffer.alloc(SCRATCH_BYTES);
  private readonly view = new DataView(this.scratch.buffer, this.scratch.byteOffset, SCRATCH_BYTES);
  private length = 0;
  private hash: Hash | undefined;

  start(): void {
    this.length = 0;
    this.hash = undefined;
  }

  raw(bytes: Uint8Array): void {
    if (bytes.length > SCRATCH_BYTES - this.length) {
      this.flush();
      if (bytes.length > SCRATCH_BYTES) {
        this.hash!.update(bytes);
        return;
      }
    }
    this.scratch.set(bytes, this.length);
    this.length += bytes.length;
  }

  text(value: string): void {
    if (4 + value.length * BYTES_PER_CODE_UNIT > SCRATCH_BYTES) {
      this.raw(text(value));
      return;
    }
    this.reserve(4 + value.length * BYTES_PER_CODE_UNIT);
    const sizeBytes = this.scratch.write(value, this.length + 4);
    this.view.setUint32(this.length, sizeBytes, true);
    this.length += 4 + sizeBytes;
  }

  tensorHead(datatypeCode: number, shape: readonly number[], count: number): void {
    this.reserve(5);
    this.view.setUint8(this.length, datatypeCode);
    this.view.setUint32(this.length + 1, shape.length, true);
    this.length += 5;
    for (const size of shape) this.u64(size);
    this.u64(count);
  }

  digest(): string {
    const rest = this.scratch.subarray(0, this.length);
    return this.hash === undefined
      ? hashOnce('sha256', rest, 'base64url')
      : this.hash.update(rest).digest('base64url');
  }

  private u64(value: number): void {
    this.reserve(8);
    this.view.setUint32(this.length, value % 2 ** 32, true);
    this.view.setUint32(this.length + 4, Math.floor(value / 2 ** 32), true);
    this.length += 8;
  }

  private reserve(sizeBytes: number): void {
    if (sizeBytes > SCRATCH_BYTES - this.length) this.flush();
  }

  private flush(): void {
    this.hash ??= createHash('sha256');
    this.hash.update(this.scratch.subarray(0, this.length));
    this.length = 0;
  }
}

/** One for all: a key is made without a pause. */
const writer = new KeyWriter();

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u32(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The bytes of the elements where they lie; little-endian, as every platform of the runtime is. */
function bytesOf(data: NumericArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function outputNames(outputs: readonly TensorSpec[]): Buffer {
  const names = outputs.map(({ name }) => ({ name })).sort(compareNames);
  return Buffer.concat([u32(names.length), ...names.map(({ name }) => text(name))]);
}

/** By code units, which no locale changes. */
function compareNames(a: { readonly name: string }, b: { readonly name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
