import { open, readFile } from 'node:fs/promises';
import { detachBuffer } from '../../../common/detach-buffer';
import type { ExternalDataFile } from '../../../models/repository/onnx-file/external-data';
import { MalformedMessage } from '../../../models/repository/onnx-file/protobuf-cursor';
import {
  type Field,
  fieldsOf,
  innerOf,
  integerField,
  integersIn,
  messageField,
  piecesOf,
  sizeOf,
  textField,
  textIn,
} from './message';
import { Node } from './node';
import { Weight, type Element } from './weight';

/** Fields of a ModelProto and of its graph, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7, opset: 8, metadata: 14 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 };
const ENTRY = { key: 1, value: 2 };
const OPSET = { domain: 1, version: 2 };
const NAME_OF_VALUE = 1;

/** A protobuf message has at most so many. */
const MAX_MODEL_BYTES = 2 ** 31 - 1;
/** Written at a time. */
const WRITE_BYTES = 8 * 2 ** 20;
/** The runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** Who makes and who reads each value of a graph. */
export interface Flow {
  readonly makers: ReadonlyMap<string, Node>;
  readonly readers: ReadonlyMap<string, readonly Node[]>;
}

/**
 * A model whose graph can be changed. What is not looked at (names for people, functions, fields of a later ONNX) stays
 * the bytes that it was.
 */
export class Model {
  nodes: readonly Node[];
  readonly weights = new Map<string, Weight>();
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names that graphs within the graph use of it: what they are must stay. */
  readonly captured: ReadonlySet<string>;
  /** Put in beside what is there. */
  readonly metadata = new Map<string, string>();
  private readonly opsets = new Map<string, number>();
  private readonly graph: readonly Field[];
  private found: Flow | undefined;

  /** What its fields are views of. */
  private readonly memory: Buffer[];

  /** @throws MalformedMessage */
  constructor(bytes: Buffer) {
    this.memory = [bytes];
    this.fields = fieldsOf(bytes);
    const graph = this.fields.find(({ number }) => number === MODEL.graph);
    if (graph === undefined) throw new MalformedMessage('it has no graph');
    this.graph = innerOf(graph);
    const nodes: Node[] = [];
    const named = (wanted: number): string[] =>
      this.graph
        .filter(({ number }) => number === wanted)
        .map((field) => textIn(innerOf(field), NAME_OF_VALUE));
    for (const { number, bytes: inner = Buffer.alloc(0) } of this.graph) {
      if (number === GRAPH.node) nodes.push(Node.read(inner));
      else if (number === GRAPH.initializer) this.add(Weight.read(inner));
    }
    this.nodes = nodes;
    this.inputs = named(GRAPH.input);
    this.outputs = named(GRAPH.output);
    for (const field of this.fields) {
      if (field.number !== MODEL.opset) continue;
      const parts = innerOf(field);
      const domain = textIn(parts, OPSET.domain);
      this.opsets.set(domain === 'ai.onnx' ? '' : domain, integersIn(parts, OPSET.version)[0] ?? 1);
    }
    this.captured = new Set(nodes.flatMap(({ bodies }) => bodies.flatMap(namesIn)));
  }

  private readonly fields: readonly Field[];

  /**
   * A model with all its weights in it, those that lie in files beside it as well.
   * @throws MalformedMessage, also where a graph within has such weights
   */
  static async read(file: string, externalData: readonly ExternalDataFile[]): Promise<Model> {
    const model = new Model(await readFile(file));
    const files = new Map<string, Buffer>();
    for (const { location, file: path } of externalData) files.set(location, await readFile(path));
    model.memory.push(...files.values());
    for (const weight of model.weights.values()) {
      if (!weight.isExternal) continue;
      const { place } = weight;
      const bytes = files.get(place.get('location') ?? '');
      if (bytes === undefined) throw new MalformedMessage(`its tensor "${weight.name}" lies nowhere`);
      const start = Number(place.get('offset') ?? 0);
      const length = Number(place.get('length') ?? bytes.length - start);
      model.add(weight.with(bytes.subarray(start, start + length)));
    }
    if (files.size > 0 && model.nodes.some(holdsExternal))
      throw new MalformedMessage('a graph within it, or an operator, has weights in files beside it');
    return model;
  }

  /** Gives the memory of its files back, which the collector would leave there for long: no weight can be read any more. */
  close(): void {
    this.memory.splice(0).forEach(detachBuffer);
  }

  /** The version of ONNX's own operators. */
  get opset(): number {
    return this.opsets.get('') ?? 1;
  }

  /** Puts new operators in the place of some. Every one that is left out keeps its place. */
  replace(replaced: ReadonlyMap<Node, readonly Node[]>): void {
    this.setNodes(this.nodes.flatMap((node) => replaced.get(node) ?? [node]));
  }

  setNodes(nodes: readonly Node[]): void {
    this.nodes = nodes;
    this.found = undefined;
  }

  get flow(): Flow {
    if (this.found !== undefined) return this.found;
    const makers = new Map<string, Node>();
    const readers = new Map<string, Node[]>();
    for (const node of this.nodes) {
      for (const name of node.outputs) makers.set(name, node);
      for (const name of new Set(node.inputs)) {
        const known = readers.get(name);
        if (known === undefined) readers.set(name, [node]);
        else known.push(node);
      }
    }
    return (this.found = { makers, readers });
  }

  /** A tensor that no request can replace and no graph within the graph uses; undefined: it is none, or must stay. */
  constant(name: string | undefined): Weight | undefined {
    if (name === undefined || name === '' || this.captured.has(name) || this.inputs.includes(name))
      return undefined;
    const weight = this.weights.get(name);
    if (weight !== undefined) return weight;
    const maker = this.flow.makers.get(name);
    const value = maker?.is('Constant') === true ? maker.attributes.get('value') : undefined;
    return value instanceof Weight ? value : undefined;
  }

  /** A float tensor of this graph. */
  floats(name: string | undefined): Weight | undefined {
    const weight = this.constant(name);
    return weight?.isFloat === true ? weight : undefined;
  }

  /** The value of a constant of one element. */
  scalar(name: string | undefined): number | undefined {
    const weight = this.floats(name);
    return weight !== undefined && weight.count === 1 && weight.dims.length <= 1
      ? weight.floats()[0]
      : undefined;
  }

  /** Who alone reads a value that nobody else sees. */
  onlyReader(name: string): Node | undefined {
    const readers = this.flow.readers.get(name) ?? [];
    return readers.length === 1 && !this.isSeen(name) ? readers[0] : undefined;
  }

  /** Does somebody outside of its operators see it? */
  isSeen(name: string): boolean {
    return this.outputs.includes(name) || this.captured.has(name);
  }

  add(weight: Weight): string {
    this.weights.set(weight.name, weight);
    return weight.name;
  }

  make(name: string, element: Element, dims: readonly number[], data: NodeJS.TypedArray): string {
    return this.add(Weight.make(name, element, dims, data));
  }

  /** Has an operator of the runtime's own been put in? */
  useMicrosoft(): string {
    if (!this.opsets.has(MICROSOFT)) this.opsets.set(MICROSOFT, 1);
    return MICROSOFT;
  }

  /** @param watched values that it gives beside its outputs */
  private written(watched: readonly string[]): readonly Field[] {
    const used = new Set([...this.outputs, ...this.captured, ...this.inputs, ...watched]);
    for (const node of this.nodes) for (const name of node.inputs) used.add(name);
    const nodes = this.nodes.filter(
      (node) => !node.is('Constant') || node.outputs.some((name) => used.has(name)),
    );
    // Shapes of values within are left out: some are no longer true, and the runtime finds out better.
    const others = this.graph.filter(
      ({ number }) => number !== GRAPH.node && number !== GRAPH.initializer && number !== GRAPH.valueInfo,
    );
    const graph: Field[] = [
      ...nodes.map(({ fields }) => messageField(GRAPH.node, fields)),
      ...[...this.weights.values()]
        .filter(({ name }) => used.has(name))
        .map(({ fields }) => messageField(GRAPH.initializer, fields)),
      ...others,
      ...watched.map((name) => messageField(GRAPH.output, [textField(NAME_OF_VALUE, name)])),
    ];
    const domains = new Set(['', ...nodes.map(({ domain }) => domain)]);
    const rest = this.fields.filter(({ number }) => number !== MODEL.graph && number !== MODEL.opset);
    const opsets = [...this.opsets].filter(([domain]) => domains.has(domain) || this.keepsDomains);
    return [
      ...rest,
      ...opsets.map(([domain, version]) =>
        messageField(MODEL.opset, [textField(OPSET.domain, domain), integerField(OPSET.version, version)]),
      ),
      ...[...this.metadata].map(([key, value]) =>
        messageField(MODEL.metadata, [textField(ENTRY.key, key), textField(ENTRY.value, value)]),
      ),
      messageField(MODEL.graph, graph),
    ];
  }

  /** Operators of functions and of graphs within may be of domains that the graph itself has none of. */
  private get keepsDomains(): boolean {
    return (
      this.captured.size > 0 ||
      this.fields.some(({ number }) => number === 25) ||
      this.nodes.some(({ bodies }) => bodies.length > 0)
    );
  }

  /** @returns its size. @throws Error where it is larger than a file of this kind may be */
  async write(path: string, watched: readonly string[] = []): Promise<number> {
    const fields = this.written(watched);
    const sizeBytes = sizeOf(fields);
    if (sizeBytes > MAX_MODEL_BYTES) throw new Error('it would be larger than 2 GiB');
    const file = await open(path, 'w');
    try {
      let waiting: Buffer[] = [];
      let waitingBytes = 0;
      for (const piece of piecesOf(fields)) {
        waiting.push(piece);
        waitingBytes += piece.length;
        if (waitingBytes < WRITE_BYTES && waiting.length < 512) continue;
        await writeAll(file, waiting);
        waiting = [];
        waitingBytes = 0;
      }
      await writeAll(file, waiting);
      await file.sync();
    } finally {
      await file.close();
    }
    return sizeBytes;
  }
}

/** However often the system takes a part of it. */
async function writeAll(file: Awaited<ReturnType<typeof open>>, pieces: readonly Buffer[]): Promise<void> {
  let left = pieces.filter(({ length }) => length > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    while (left[0] !== undefined && bytesWritten >= left[0].length) {
      bytesWritten -= left[0].length;
      left = left.slice(1);
    }
    if (left[0] !== undefined && bytesWritten > 0) left = [left[0].subarray(bytesWritten), ...left.slice(1)];
  }
}

/** Has it tensors of its own in files beside the model, or a graph within it such weights? */
function holdsExternal({ attributes, bodies }: Node): boolean {
  const isExternal = (weight: unknown): boolean => weight instanceof Weight && weight.isExternal;
  const inBody = ({ number, bytes = Buffer.alloc(0) }: Field): boolean =>
    (number === GRAPH.initializer && isExternal(Weight.read(bytes))) ||
    (number === GRAPH.node && holdsExternal(Node.read(bytes)));
  return [...attributes.values()].some(isExternal) || bodies.some((body) => body.some(inBody));
}

/** Every name that a graph within, or one within that, uses. */
function namesIn(graph: readonly Field[]): string[] {
  return graph.flatMap((field) => {
    if (field.number === GRAPH.output) return [textIn(innerOf(field), NAME_OF_VALUE)];
    if (field.number !== GRAPH.node || field.bytes === undefined) return [];
    const node = Node.read(field.bytes);
    return [...node.inputs, ...node.bodies.flatMap(namesIn)];
  });
}
