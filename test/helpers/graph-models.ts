import { onnx } from 'onnx-proto';
import { bytesOf, encode, initializer, node, OPSET_VERSION, value } from './onnx-models';

const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** An attribute: an integer, integers, a text, a graph, or in a function integers that its call says. */
type Attribute = number | string | readonly number[] | onnx.IGraphProto | { readonly refersTo: string };
/** Operator, inputs, outputs, attributes. */
export type Step = readonly [
  string,
  readonly string[],
  readonly string[],
  Readonly<Record<string, Attribute>>?,
];

export interface SmallGraph {
  readonly steps: readonly Step[];
  /** Shapes of the FP32 inputs; text names an open dimension. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: Readonly<Record<string, readonly (number | string)[]>>;
  /** INT64 tensors of one dimension; a bare number is a scalar. */
  readonly integers?: Readonly<Record<string, number | readonly number[]>>;
  /** FP32 tensors: their shape and their one value. */
  readonly floats?: Readonly<
    Record<string, readonly [shape: readonly number[], value: number | Float32Array]>
  >;
  readonly opset?: number;
  /** Steps may call these as operators. */
  readonly functions?: Readonly<Record<string, SmallFunction>>;
}

export interface SmallFunction {
  readonly steps: readonly Step[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const FUNCTIONS = { domain: 'functions', version: 1 };

/** A model of a few operators, as the table of its steps says. */
export function graphModel(graph: SmallGraph): Uint8Array {
  const functions = graph.functions ?? {};
  const called = (nodes: onnx.INodeProto[] | null | undefined): onnx.INodeProto[] =>
    (nodes ?? []).map((one) =>
      (one.opType ?? '') in functions ? { ...one, domain: FUNCTIONS.domain } : one,
    );
  const whole = graphOf(graph);
  const opsets = Object.keys(functions).length > 0 ? [FUNCTIONS] : [];
  return encode(
    { ...whole, node: called(whole.node) },
    graph.opset,
    opsets,
    Object.entries(functions).map(([name, { steps, inputs, outputs }]) => ({
      name,
      domain: FUNCTIONS.domain,
      input: [...inputs],
      output: [...outputs],
      attribute: steps.flatMap(([, , , attributes = {}]) => Object.values(attributes).flatMap(referredTo)),
      node: called(steps.map(nodeOf)),
      opsetImport: [{ domain: '', version: graph.opset ?? OPSET_VERSION }, FUNCTIONS],
    })),
  );
}

function nodeOf([operator, from, to, attributes = {}]: Step): onnx.INodeProto {
  return node(operator, [...from], [...to], Object.entries(attributes).map(attribute));
}

function referredTo(given: Attribute): string[] {
  return typeof given === 'object' && 'refersTo' in given ? [given.refersTo] : [];
}

/** The same as a body for `If`, `Loop` or `Scan`. */
export function graphOf(graph: SmallGraph): onnx.IGraphProto {
  const { steps, inputs, outputs, integers = {}, floats = {} } = graph;
  return {
    name: 'body',
    node: steps.map(nodeOf),
    initializer: [
      ...Object.entries(integers).map(([name, given]) => {
        const list = typeof given === 'number' ? [given] : given;
        const bytes = bytesOf(BigInt64Array.from(list, BigInt));
        return initializer(name, DataType.INT64, typeof given === 'number' ? [] : [list.length], bytes);
      }),
      ...Object.entries(floats).map(([name, [shape, given]]) => {
        const count = shape.reduce((product, size) => product * size, 1);
        const data = typeof given === 'number' ? new Float32Array(count).fill(given) : given;
        return initializer(name, DataType.FLOAT, shape, bytesOf(data));
      }),
    ],
    input: Object.entries(inputs).map(([name, shape]) => value(name, DataType.FLOAT, shape)),
    output: Object.entries(outputs).map(([name, shape]) => value(name, DataType.FLOAT, shape)),
  };
}

function attribute([name, given]: [string, Attribute]): onnx.IAttributeProto {
  if (typeof given === 'number') return { name, type: AttributeType.INT, i: given };
  if (typeof given === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(given) };
  if (isList(given)) return { name, type: AttributeType.INTS, ints: [...given] };
  if ('refersTo' in given) return { name, type: AttributeType.INTS, refAttrName: given.refersTo };
  return { name, type: AttributeType.GRAPH, g: given };
}

function isList(given: object): given is readonly number[] {
  return Array.isArray(given);
}
