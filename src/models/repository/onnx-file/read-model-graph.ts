import type { FileHandle } from 'node:fs/promises';
import { calledBy, FunctionCalls, type GraphFunction } from './function-calls';
import { MalformedMessage, ProtobufCursor, WIRE } from './protobuf-cursor';
import type { Graph, GraphAttribute, GraphConstant, GraphInput, GraphNode, ModelGraph } from './model-graph';

/** Protobuf's own limit for nested messages. */
const MAX_DEPTH = 100;
const MAX_TEXT_BYTES = 4096;
/** A graph beyond this is not looked at: what is known of it must not take more memory than it is worth. */
const MAX_NODES = 200_000;
/** Before this version of the format, every weight had to be declared as an input, too. */
const FIRST_WITH_DEFAULTS = 4;
/** Axes, sizes and switches have no more elements. */
const MAX_INTEGERS = 64;

/** TensorProto.DataType of those whose elements are read. */
const INTEGER_BYTES: Readonly<Record<number, number>> = { 6: 4, 7: 8, 9: 1 };

/**
 * Reads the operators of a model, the graphs within them, and the small constants that tell them what to do. Weights
 * are skipped. The numbers of the fields are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 * @throws MalformedMessage when the file is no ONNX model, or larger than can be looked through
 */
export async function readModelGraph(file: FileHandle, sizeBytes: number): Promise<ModelGraph> {
  const reader = new GraphReader(new ProtobufCursor(file, sizeBytes));
  return reader.model(sizeBytes);
}

interface Field {
  readonly number: number;
  /** Of a varint. */
  readonly value: number;
  /** Where the field's bytes end; undefined for a number. */
  readonly end: number | undefined;
}

class GraphReader {
  private nodes = 0;
  private parameters = 0;

  constructor(private readonly cursor: ProtobufCursor) {}

  async model(end: number): Promise<ModelGraph> {
    let graph: Graph | undefined;
    let opset = 1;
    let format = 0;
    let producer = '';
    const functions: GraphFunction[] = [];
    await this.each(end, 0, async ({ number, value, end: fieldEnd = 0 }) => {
      if (number === 1) format = value;
      else if (number === 2) producer = await this.text(fieldEnd);
      else if (number === 7) graph = await this.graph(fieldEnd, 1);
      else if (number === 8) opset = (await this.ownOpset(fieldEnd)) ?? opset;
      else if (number === 25) functions.push(await this.function(fieldEnd));
    });
    if (graph === undefined) throw new MalformedMessage('it has no graph');
    const defaulted = format < FIRST_WITH_DEFAULTS ? [] : defaultedIn(graph);
    const inlined = new FunctionCalls(functions, MAX_NODES).inlined(graph);
    return { graph: inlined, opset, producer, parameters: this.parameters, defaulted };
  }

  /** The version, where the operators are ONNX's own. */
  private async ownOpset(end: number): Promise<number | undefined> {
    let domain = '';
    let version = 1;
    await this.each(end, 1, async ({ number, value, end: fieldEnd }) => {
      if (number === 1 && fieldEnd !== undefined) domain = await this.text(fieldEnd);
      else if (number === 2) version = value;
    });
    return domain === '' || domain === 'ai.onnx' ? version : undefined;
  }

  private async function(end: number): Promise<GraphFunction> {
    const inputs: string[] = [];
    const outputs: string[] = [];
    const nodes: GraphNode[] = [];
    const defaults = new Map<string, GraphAttribute>();
    const name = { operator: '', domain: '', overload: '' };
    await this.each(end, 1, async ({ number, end: fieldEnd }) => {
      if (fieldEnd === undefined) return;
      if (number === 1) name.operator = await this.text(fieldEnd);
      else if (number === 4) inputs.push(await this.text(fieldEnd));
      else if (number === 5) outputs.push(await this.text(fieldEnd));
      else if (number === 7) nodes.push(await this.node(fieldEnd, 2));
      else if (number === 10) name.domain = await this.text(fieldEnd);
      else if (number === 13) name.overload = await this.text(fieldEnd);
      else if (number === 11) {
        const { name: ofIt, attribute } = await this.attribute(fieldEnd, 2);
        defaults.set(ofIt, attribute);
      }
    });
    return { called: calledBy(name), inputs, outputs, nodes, defaults };
  }

  private async graph(end: number, depth: number): Promise<Graph> {
    const nodes: GraphNode[] = [];
    const inputs: GraphInput[] = [];
    const outputs: string[] = [];
    const constants = new Map<string, GraphConstant>();
    await this.each(end, depth, async ({ number, end: fieldEnd }) => {
      if (fieldEnd === undefined) return;
      if (number === 1) nodes.push(await this.node(fieldEnd, depth + 1));
      else if (number === 5) {
        const { name, elements, constant } = await this.tensor(fieldEnd, depth + 1);
        constants.set(name, constant);
        this.parameters += elements;
      } else if (number === 11) inputs.push(await this.value(fieldEnd, depth + 1));
      else if (number === 12) outputs.push((await this.value(fieldEnd, depth + 1)).name);
    });
    return { nodes, inputs, outputs, constants };
  }

  private async node(end: number, depth: number): Promise<GraphNode> {
    if (++this.nodes > MAX_NODES) throw new MalformedMessage(`it has more than ${MAX_NODES} operators`);
    const inputs: string[] = [];
    const outputs: string[] = [];
    const attributes = new Map<string, GraphAttribute>();
    let operator = '';
    let domain = '';
    let overload = '';
    await this.each(end, depth, async ({ number, end: fieldEnd }) => {
      if (fieldEnd === undefined) return;
      if (number === 1) inputs.push(await this.text(fieldEnd));
      else if (number === 2) outputs.push(await this.text(fieldEnd));
      else if (number === 4) operator = await this.text(fieldEnd);
      else if (number === 7) domain = await this.text(fieldEnd);
      else if (number === 8) overload = await this.text(fieldEnd);
      else if (number === 5) {
        const { name, attribute } = await this.attribute(fieldEnd, depth + 1);
        attributes.set(name, attribute);
      }
    });
    return { operator, domain: domain === 'ai.onnx' ? '' : domain, overload, inputs, outputs, attributes };
  }

  private async attribute(
    end: number,
    depth: number,
  ): Promise<{ readonly name: string; readonly attribute: GraphAttribute }> {
    let name = '';
    let integer: number | undefined;
    let text: string | undefined;
    let constant: GraphConstant | undefined;
    let refersTo: string | undefined;
    const integers: number[] = [];
    const graphs: Graph[] = [];
    await this.each(end, depth, async (field) => {
      const { number, value, end: fieldEnd } = field;
      if (number === 3) integer = value;
      else if (number === 8) await this.integers(field, integers);
      else if (fieldEnd === undefined) return;
      else if (number === 1) name = await this.text(fieldEnd);
      else if (number === 4 && fieldEnd - this.cursor.position <= MAX_TEXT_BYTES)
        text = await this.text(fieldEnd);
      else if (number === 5) constant = (await this.tensor(fieldEnd, depth + 1)).constant;
      else if (number === 6 || number === 11) graphs.push(await this.graph(fieldEnd, depth + 1));
      else if (number === 21) refersTo = await this.text(fieldEnd);
    });
    return { name, attribute: { integer, text, integers, constant, graphs, refersTo } };
  }

  private async tensor(
    end: number,
    depth: number,
  ): Promise<{ readonly name: string; readonly elements: number; readonly constant: GraphConstant }> {
    let name = '';
    let type = 0;
    const sizes: number[] = [];
    const listed: number[] = [];
    let raw = '';
    await this.each(end, depth, async (field) => {
      const { number, value, end: fieldEnd } = field;
      if (number === 1) await this.integers(field, sizes);
      else if (number === 2) type = value;
      else if (number === 5 || number === 7) await this.integers(field, listed);
      else if (fieldEnd === undefined) return;
      else if (number === 8) name = await this.text(fieldEnd);
      else if (number === 9 && fieldEnd - this.cursor.position <= 8 * MAX_INTEGERS) {
        raw = await this.cursor.text(fieldEnd - this.cursor.position, 'latin1');
      }
    });
    const elements = sizes.reduce((product, size) => product * size, 1);
    const integers = elementsOf(type, elements, raw, listed);
    return { name, elements, constant: { rank: sizes.length, integers } };
  }

  private async value(end: number, depth: number): Promise<GraphInput> {
    let name = '';
    let type: number | undefined;
    let shape: number[] | undefined;
    await this.each(end, depth, async ({ number, end: fieldEnd }) => {
      if (fieldEnd === undefined) return;
      if (number === 1) name = await this.text(fieldEnd);
      if (number !== 2) return;
      // TypeProto > tensor_type > elem_type, and shape
      await this.each(fieldEnd, depth + 1, async ({ number: ofType, end: typeEnd }) => {
        if (ofType !== 1 || typeEnd === undefined) return;
        await this.each(typeEnd, depth + 2, async ({ number: ofTensor, value, end: shapeEnd }) => {
          if (ofTensor === 1) type = value;
          else if (ofTensor === 2 && shapeEnd !== undefined) shape = await this.shape(shapeEnd, depth + 3);
        });
      });
    });
    return { name, type, shape };
  }

  private async shape(end: number, depth: number): Promise<number[]> {
    const sizes: number[] = [];
    await this.each(end, depth, async ({ number, end: dimensionEnd }) => {
      if (number !== 1 || dimensionEnd === undefined) return;
      let size = -1;
      await this.each(dimensionEnd, depth + 1, (field) => void (field.number === 1 && (size = field.value)));
      sizes.push(size);
    });
    return sizes;
  }

  /** The fields of the message that ends at `end`; whatever `take` leaves of one is skipped. */
  private async each(
    end: number,
    depth: number,
    take: (field: Field) => void | Promise<void>,
  ): Promise<void> {
    if (depth > MAX_DEPTH) throw new MalformedMessage('its graphs are nested too deeply');
    const { cursor } = this;
    while (cursor.position < end) {
      await cursor.atField();
      const tag = cursor.varint();
      const number = Math.floor(tag / 8);
      switch (tag % 8) {
        case WIRE.varint:
          await take({ number, value: cursor.integer(), end: undefined });
          break;
        case WIRE.bytes: {
          const length = cursor.varint();
          const fieldEnd = cursor.position + length;
          if (fieldEnd > end) throw new MalformedMessage('it is cut off, or no ONNX model');
          await take({ number, value: 0, end: fieldEnd });
          cursor.position = fieldEnd;
          break;
        }
        case WIRE.fixed64:
          cursor.position += 8;
          break;
        case WIRE.fixed32:
          cursor.position += 4;
          break;
        default:
          throw new MalformedMessage('it is no ONNX model');
      }
    }
    if (cursor.position > end) throw new MalformedMessage('it is cut off, or no ONNX model');
  }

  private async text(end: number): Promise<string> {
    const length = end - this.cursor.position;
    if (length > MAX_TEXT_BYTES) throw new MalformedMessage('it has a name of absurd length');
    return this.cursor.text(length);
  }

  /** A repeated integer: one, or several packed into one field; of too many only so many as tell that they are. */
  private async integers({ value, end }: Field, into: number[]): Promise<void> {
    if (end === undefined) {
      if (into.length <= MAX_INTEGERS) into.push(value);
      return;
    }
    await this.cursor.reach(end - this.cursor.position);
    while (this.cursor.position < end && into.length <= MAX_INTEGERS) into.push(this.cursor.integer());
  }
}

function defaultedIn({ inputs, constants }: Graph): string[] {
  return inputs.map(({ name }) => name).filter((name) => constants.has(name));
}

function elementsOf(
  type: number,
  count: number,
  raw: string,
  listed: readonly number[],
): readonly number[] | undefined {
  const elementBytes = INTEGER_BYTES[type];
  if (elementBytes === undefined || count > MAX_INTEGERS) return undefined;
  if (raw === '') return listed.length === count ? listed : undefined;
  if (raw.length !== count * elementBytes) return undefined;
  const bytes = Buffer.from(raw, 'latin1');
  return Array.from({ length: count }, (_, i) => {
    if (elementBytes === 8) return Number(bytes.readBigInt64LE(8 * i));
    return elementBytes === 4 ? bytes.readInt32LE(4 * i) : bytes.readInt8(i);
  });
}
