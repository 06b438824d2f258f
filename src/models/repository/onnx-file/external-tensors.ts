import type { FileHandle } from 'node:fs/promises';
import { MalformedMessage, ProtobufCursor, WIRE } from './protobuf-cursor';

type Message =
  | 'model'
  | 'function'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'sparse tensor'
  | 'tensor'
  | 'external data'
  | 'metadata';

/**
 * Which fields of which message lead to a tensor. Their numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
const FIELDS: Record<Message, Readonly<Record<number, Message>>> = {
  model: { 7: 'graph', 14: 'metadata', 25: 'function' },
  function: { 7: 'node' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse tensor' },
  node: { 5: 'attribute' },
  attribute: {
    5: 'tensor',
    6: 'graph',
    10: 'tensor',
    11: 'graph',
    22: 'sparse tensor',
    23: 'sparse tensor',
  },
  'sparse tensor': { 1: 'tensor', 2: 'tensor' },
  tensor: { 13: 'external data' },
  'external data': {},
  metadata: {},
};
const GRAPH_OF_MODEL = 7;
const DATA_LOCATION_OF_TENSOR = 14;
const EXTERNAL = 1;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

/** Protobuf's own limit for nested messages. */
const MAX_DEPTH = 100;
const MAX_LOCATIONS = 10_000;
const MAX_TEXT_BYTES = 4096;
/** Names of thousands of classes; what is longer is not kept. */
const MAX_METADATA_BYTES = 64 * 1024;
const MAX_METADATA_ENTRIES = 256;

/** One tensor's `external_data` entries, and whether its data is declared to be there. */
interface TensorSource {
  external: boolean;
  readonly entries: Map<string, string>;
}

/** What a model's structure says of it. */
export interface ModelStructure {
  /**
   * The `location` of every external data file that it names, in its initializers or in any nested graph, and how
   * many bytes that file must have at least for the tensors said to be in it.
   */
  readonly locations: ReadonlyMap<string, number>;
  /** Its `metadata_props`: what whoever exported it says of it. */
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Reads a model's structure; its weights are skipped.
 * @throws MalformedMessage when the file is not an ONNX model, or only a part of one
 */
export async function modelStructure(file: FileHandle, sizeBytes: number): Promise<ModelStructure> {
  const walk = new TensorWalk(new ProtobufCursor(file, sizeBytes));
  await walk.visit('model', sizeBytes, 0, undefined);
  if (!walk.hasGraph) throw new MalformedMessage('it has no graph');
  return walk;
}

class TensorWalk implements ModelStructure {
  readonly locations = new Map<string, number>();
  readonly metadata = new Map<string, string>();
  hasGraph = false;

  constructor(private readonly cursor: ProtobufCursor) {}

  /** Reads the message that ends at `end`; `tensor` is the one it is in or is, if any. */
  async visit(message: Message, end: number, depth: number, tensor: TensorSource | undefined): Promise<void> {
    if (depth > MAX_DEPTH) throw new MalformedMessage('its graphs are nested too deeply');
    const { cursor } = this;
    const entry = { key: '', value: '' };
    while (cursor.position < end) {
      await cursor.atField();
      const tag = cursor.varint();
      const field = Math.floor(tag / 8);
      const wire = tag % 8;
      if (wire === WIRE.varint) {
        const value = cursor.varint();
        if (message === 'tensor' && field === DATA_LOCATION_OF_TENSOR && tensor) {
          tensor.external = value === EXTERNAL;
        }
      } else if (wire === WIRE.bytes) {
        const length = cursor.varint();
        const fieldEnd = cursor.position + length;
        if (fieldEnd > end) throw new MalformedMessage('it is cut off, or no ONNX model');
        if (message === 'external data' && (field === ENTRY_KEY || field === ENTRY_VALUE)) {
          if (length > MAX_TEXT_BYTES) throw new MalformedMessage('an external data entry is too long');
          entry[field === ENTRY_KEY ? 'key' : 'value'] = await cursor.text(length);
        }
        if (message === 'metadata' && (field === ENTRY_KEY || field === ENTRY_VALUE)) {
          const isKept = length <= MAX_METADATA_BYTES;
          entry[field === ENTRY_KEY ? 'key' : 'value'] = isKept ? await cursor.text(length) : '';
        }
        const inner = FIELDS[message][field];
        if (message === 'model' && field === GRAPH_OF_MODEL) this.hasGraph = true;
        if (inner === 'tensor') await this.visitTensor(fieldEnd, depth + 1);
        else if (inner) await this.visit(inner, fieldEnd, depth + 1, tensor);
        cursor.position = fieldEnd;
      } else if (wire === WIRE.fixed64 || wire === WIRE.fixed32) {
        cursor.position += wire === WIRE.fixed64 ? 8 : 4;
      } else {
        throw new MalformedMessage('it is no ONNX model');
      }
    }
    if (cursor.position > end) throw new MalformedMessage('it is cut off, or no ONNX model');
    if (message === 'external data') tensor?.entries.set(entry.key, entry.value);
    if (message === 'metadata' && this.metadata.size < MAX_METADATA_ENTRIES) {
      this.metadata.set(entry.key, entry.value);
    }
  }

  private async visitTensor(end: number, depth: number): Promise<void> {
    const tensor: TensorSource = { external: false, entries: new Map() };
    await this.visit('tensor', end, depth, tensor);
    if (!tensor.external) return;
    const location = tensor.entries.get('location');
    if (!location) throw new MalformedMessage('a tensor with external data names no location');
    const neededBytes = byteCount(tensor, 'offset') + byteCount(tensor, 'length');
    this.locations.set(location, Math.max(neededBytes, this.locations.get(location) ?? 0));
    if (this.locations.size > MAX_LOCATIONS) {
      throw new MalformedMessage(`it names more than ${MAX_LOCATIONS} external data files`);
    }
  }
}

function byteCount(tensor: TensorSource, entry: 'offset' | 'length'): number {
  const text = tensor.entries.get(entry) ?? '0';
  if (!/^[0-9]{1,15}$/.test(text)) throw new MalformedMessage(`an external data ${entry} is no whole number`);
  return Number(text);
}
