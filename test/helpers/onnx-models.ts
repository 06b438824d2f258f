import { onnx } from 'onnx-proto';
import type { Datatype } from '../../src/tensors/datatype';

/** Sizes of the dimensions; text names a dynamic one. */
type DeclaredShape = readonly (number | string)[];

/** An ONNX model in bytes, and the files beside it that hold its weights. */
export interface TestModel {
  readonly model: Uint8Array;
  readonly dataFiles: Readonly<Record<string, Uint8Array>>;
}

const IR_VERSION = 8;
export const OPSET_VERSION = 17;
const { DataType, DataLocation } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

const ELEMENT_TYPES: Record<Datatype, onnx.TensorProto.DataType> = {
  BOOL: DataType.BOOL,
  UINT8: DataType.UINT8,
  UINT16: DataType.UINT16,
  UINT32: DataType.UINT32,
  UINT64: DataType.UINT64,
  INT8: DataType.INT8,
  INT16: DataType.INT16,
  INT32: DataType.INT32,
  INT64: DataType.INT64,
  FP16: DataType.FLOAT16,
  FP32: DataType.FLOAT,
  FP64: DataType.DOUBLE,
  BYTES: DataType.STRING,
};

/** `y = x`. */
export function identityModel(datatype: Datatype, shape: DeclaredShape = ['N', 2]): Uint8Array {
  return elementTypeModel(ELEMENT_TYPES[datatype], shape);
}

/** `y = x` of a type that the server cannot carry. */
export function bfloat16Model(): Uint8Array {
  return elementTypeModel(DataType.BFLOAT16, ['N', 2]);
}

/** `y` is a sequence of the rows of `x`, which nothing can take apart before it runs. */
export function sequenceModel(): Uint8Array {
  const elemType = { tensorType: { elemType: DataType.FLOAT } };
  return encode({
    node: [node('SplitToSequence', ['x'], ['y'])],
    input: [value('x', DataType.FLOAT, ['N', 2])],
    output: [{ name: 'y', type: { sequenceType: { elemType } } }],
  });
}

/** `sum = a + b`, FP32 [N, columns] each. */
export function addModel(columns = 2): Uint8Array {
  const shape = ['N', columns];
  return encode({
    node: [node('Add', ['a', 'b'], ['sum'])],
    input: [value('a', DataType.FLOAT, shape), value('b', DataType.FLOAT, shape)],
    output: [value('sum', DataType.FLOAT, shape)],
  });
}

/** Two outputs of different types from FP32 [N, 3]: `label` INT64 [N], `probabilities` FP32 [N, 3]. */
export function classifierModel(): Uint8Array {
  return encode({
    node: [
      node('Softmax', ['x'], ['probabilities'], [intAttribute('axis', -1)]),
      node('ArgMax', ['x'], ['label'], [intAttribute('axis', -1), intAttribute('keepdims', 0)]),
    ],
    input: [value('x', DataType.FLOAT, ['N', 3])],
    output: [value('label', DataType.INT64, ['N']), value('probabilities', DataType.FLOAT, ['N', 3])],
  });
}

/**
 * What scikit-learn's exporter makes of a logistic regression: from FP32 `x` [N, 2] the `output_label` [N], BYTES, and its
 * probabilities as a list of maps.
 */
export function zipMapModel(labels: readonly string[]): Uint8Array {
  const ml = { domain: 'ai.onnx.ml' };
  const strings = labels.map((label) => Buffer.from(label));
  const floats = (name: string, values: readonly number[]): onnx.IAttributeProto => ({
    name,
    type: AttributeType.FLOATS,
    floats: [...values],
  });
  const coefficients = labels.flatMap((_, i) => [i, -i]);
  const classifier = node(
    'LinearClassifier',
    ['x'],
    ['output_label', 'scores'],
    [
      floats('coefficients', coefficients),
      floats(
        'intercepts',
        labels.map(() => 0),
      ),
      { name: 'classlabels_strings', type: AttributeType.STRINGS, strings },
      intAttribute('multi_class', 1),
      { name: 'post_transform', type: AttributeType.STRING, s: Buffer.from('SOFTMAX') },
    ],
  );
  const zip = node(
    'ZipMap',
    ['probabilities'],
    ['output_probability'],
    [{ name: 'classlabels_strings', type: AttributeType.STRINGS, strings }],
  );
  const map = { keyType: DataType.STRING, valueType: { tensorType: { elemType: DataType.FLOAT } } };
  return encode(
    {
      node: [{ ...classifier, ...ml }, node('Identity', ['scores'], ['probabilities']), { ...zip, ...ml }],
      input: [value('x', DataType.FLOAT, ['N', 2])],
      output: [
        value('output_label', DataType.STRING, ['N']),
        { name: 'output_probability', type: { sequenceType: { elemType: { mapType: map } } } },
      ],
    },
    OPSET_VERSION,
    [{ domain: 'ai.onnx.ml', version: 1 }],
  );
}

/** `vectors = table[ids]`: INT64 `ids` [N, L] below `count`, FP32 [N, L, width]. */
export function embeddingModel(count: number, width: number): Uint8Array {
  const table = { name: 'table', dataType: DataType.FLOAT, dims: [count, width] };
  const floatData = Array.from({ length: count * width }, (_, i) => i);
  return encode({
    node: [node('Gather', ['table', 'ids'], ['vectors'])],
    initializer: [{ ...table, floatData }],
    input: [value('ids', DataType.INT64, ['N', 'L'])],
    output: [value('vectors', DataType.FLOAT, ['N', 'L', width])],
  });
}

/** Text in, text and a number out: `same` BYTES [N] and `count` INT64 [1], the rows of the whole batch. */
export function textModel(): Uint8Array {
  return encode({
    node: [node('Identity', ['text'], ['same']), node('Shape', ['text'], ['count'])],
    input: [value('text', DataType.STRING, ['N'])],
    output: [value('same', DataType.STRING, ['N']), value('count', DataType.INT64, [1])],
  });
}

/** A multi-layer perceptron `y = softmax(...)` of these widths, FP32, with made-up but fixed weights. */
export function mlpModel(widths: readonly number[]): Uint8Array {
  return mlp(widths, (name, dims, weights) => initializer(name, DataType.FLOAT, dims, bytesOf(weights)))
    .model;
}

/** The same perceptron with its weights in `weights.bin` beside the model. */
export function externalDataModel(widths: readonly number[], location = 'weights.bin'): TestModel {
  const parts: Uint8Array[] = [];
  let offset = 0;
  const { model } = mlp(widths, (name, dims, weights) => {
    const bytes = bytesOf(weights);
    const entry = { location, offset: String(offset), length: String(bytes.length) };
    parts.push(bytes);
    offset += bytes.length;
    return {
      name,
      dims: [...dims],
      dataType: DataType.FLOAT,
      dataLocation: DataLocation.EXTERNAL,
      externalData: Object.entries(entry).map(([key, value]) => ({ key, value })),
    };
  });
  return { model, dataFiles: { [location]: Buffer.concat(parts) } };
}

/**
 * `y = x`, FP32 [N, 4], after `iterations` multiplications of 128x128 matrices: about 0.1 ms each, and the
 * same however many rows there are.
 */
export function slowModel(iterations: number): Uint8Array {
  const trips = bytesOf(new BigInt64Array([BigInt(iterations)]));
  return multiplyingModel(
    value('x', DataType.FLOAT, ['N', 4]),
    [],
    [initializer('trips', DataType.INT64, [], trips)],
  );
}

/** `y` FP32 [] = `n` INT64 [1], by way of tensors of so many elements: the request says how much memory it takes. */
export function growingModel(): Uint8Array {
  return encode({
    node: [
      node('ConstantOfShape', ['n'], ['zeros']),
      node('Exp', ['zeros'], ['ones']),
      node('ReduceSum', ['ones'], ['y'], [intAttribute('keepdims', 0)]),
    ],
    input: [value('n', DataType.INT64, [1])],
    output: [value('y', DataType.FLOAT, [])],
  });
}

/** `y` FP32 [] = `trips` INT64 [], after so many of these multiplications: the request says how slow it is. */
export function busyModel(): Uint8Array {
  const cast = node('Cast', ['trips'], ['x'], [intAttribute('to', DataType.FLOAT)]);
  return multiplyingModel(value('trips', DataType.INT64, []), [cast], []);
}

/** `y = x` after `trips` multiplications, both of which come from the input, the nodes or the initializers. */
function multiplyingModel(
  input: onnx.IValueInfoProto,
  nodes: onnx.INodeProto[],
  initializers: onnx.ITensorProto[],
): Uint8Array {
  const size = 128;
  const weights = initializer('w', DataType.FLOAT, [size, size], bytesOf(weightsFor(size, size)));
  const square = value('', DataType.FLOAT, [size, size]);
  const body: onnx.IGraphProto = {
    name: 'multiply',
    node: [node('Identity', ['go'], ['on']), node('MatMul', ['state', 'w'], ['next'])],
    input: [
      value('iteration', DataType.INT64, []),
      value('go', DataType.BOOL, []),
      { ...square, name: 'state' },
    ],
    output: [value('on', DataType.BOOL, []), { ...square, name: 'next' }],
  };
  const loop = [{ name: 'body', type: AttributeType.GRAPH, g: body }];
  return encode({
    node: [
      ...nodes,
      node('Loop', ['trips', 'always', 'w'], ['last'], loop),
      // The result has to depend on the loop, else the optimiser drops it.
      node('ReduceMax', ['last'], ['peak'], [intAttribute('keepdims', 0)]),
      node('Mul', ['peak', 'zero'], ['nothing']),
      node('Add', ['x', 'nothing'], ['y']),
    ],
    initializer: [
      weights,
      initializer('always', DataType.BOOL, [], new Uint8Array([1])),
      initializer('zero', DataType.FLOAT, [], bytesOf(new Float32Array([0]))),
      ...initializers,
    ],
    input: [input],
    output: [value('y', DataType.FLOAT, input.name === 'x' ? ['N', 4] : [])],
  });
}

/** `y` FP32 [N] = 10 times `index` INT64 [N]; the run fails when one index is not in [-5, 4]. */
export function gatherModel(): Uint8Array {
  const table = bytesOf(new Float32Array([0, 10, 20, 30, 40]));
  return encode({
    node: [node('Gather', ['table', 'index'], ['y'])],
    initializer: [initializer('table', DataType.FLOAT, [5], table)],
    input: [value('index', DataType.INT64, ['N'])],
    output: [value('y', DataType.FLOAT, ['N'])],
  });
}

/** INT64 `y` = `a` / `b`, [N] each: 0 is refused, and the least number by -1 ends the process. */
export function divideModel(): Uint8Array {
  return encode({
    node: [node('Div', ['a', 'b'], ['y'])],
    input: [value('a', DataType.INT64, ['N']), value('b', DataType.INT64, ['N'])],
    output: [value('y', DataType.INT64, ['N'])],
  });
}

/** FP32 `x` [N] as `y` [1, 3]: the run fails unless there are three elements. */
export function reshapeModel(): Uint8Array {
  const shape = bytesOf(new BigInt64Array([1n, 3n]));
  return encode({
    node: [node('Reshape', ['x', 'shape'], ['y'])],
    initializer: [initializer('shape', DataType.INT64, [2], shape)],
    input: [value('x', DataType.FLOAT, ['N'])],
    output: [value('y', DataType.FLOAT, [1, 3])],
  });
}

/** FP32 `x` [N, 1] repeated to `y` [N, columns]: small in, large out. */
export function widenModel(columns: number): Uint8Array {
  const repeats = bytesOf(new BigInt64Array([1n, BigInt(columns)]));
  return encode({
    node: [node('Tile', ['x', 'repeats'], ['y'])],
    initializer: [initializer('repeats', DataType.INT64, [2], repeats)],
    input: [value('x', DataType.FLOAT, ['N', 1])],
    output: [value('y', DataType.FLOAT, ['N', columns])],
  });
}

/** `y` FP32 [N, 2], drawn by lot for each run, in a branch that is always taken; `x` FP32 [N, 2] gives the shape. */
export function randomModel(): Uint8Array {
  const branch = (operator: string): onnx.IGraphProto => ({
    name: operator,
    node: [node(operator, ['x'], ['drawn'])],
    output: [value('drawn', DataType.FLOAT, ['N', 2])],
  });
  const branches = [
    { name: 'then_branch', type: AttributeType.GRAPH, g: branch('RandomNormalLike') },
    { name: 'else_branch', type: AttributeType.GRAPH, g: branch('Identity') },
  ];
  return encode({
    node: [node('If', ['always'], ['y'], branches)],
    initializer: [initializer('always', DataType.BOOL, [], new Uint8Array([1]))],
    input: [value('x', DataType.FLOAT, ['N', 2])],
    output: [value('y', DataType.FLOAT, ['N', 2])],
  });
}

/** `plus = x + bias` and `minus = x - bias`, FP32 [N, 2]; `y` is a second input, FP32 [N, 2], added to both. */
export function biasModel(bias: Float32Array): Uint8Array {
  const shape = ['N', 2];
  return encode({
    node: [
      node('Add', ['x', 'y'], ['both']),
      node('Add', ['both', 'bias'], ['plus']),
      node('Sub', ['both', 'bias'], ['minus']),
    ],
    initializer: [initializer('bias', DataType.FLOAT, [2], bytesOf(bias))],
    input: [value('x', DataType.FLOAT, shape), value('y', DataType.FLOAT, shape)],
    output: [value('plus', DataType.FLOAT, shape), value('minus', DataType.FLOAT, shape)],
  });
}

/** `y` FP32 [] = the largest element of `x` FP32 [N]: large in, small out. */
export function maximumModel(): Uint8Array {
  return encode({
    node: [node('ReduceMax', ['x'], ['y'], [intAttribute('keepdims', 0)])],
    input: [value('x', DataType.FLOAT, ['N'])],
    output: [value('y', DataType.FLOAT, [])],
  });
}

/** BYTES `y`, as many texts as INT64 `count` [1] says. */
export function textsModel(): Uint8Array {
  return encode({
    node: [
      node('ConstantOfShape', ['count'], ['zeros']),
      node('Cast', ['zeros'], ['y'], [intAttribute('to', DataType.STRING)]),
    ],
    input: [value('count', DataType.INT64, [1])],
    output: [value('y', DataType.STRING, ['N'])],
  });
}

/** Declares a dynamic leading dimension, but each row's result is divided by the rows of the batch. */
export function rowsDependentModel(): Uint8Array {
  return encode({
    node: [
      node('Shape', ['x'], ['rows'], [intAttribute('start', 0), intAttribute('end', 1)]),
      node('Cast', ['rows'], ['divisor'], [intAttribute('to', DataType.FLOAT)]),
      node('Div', ['x', 'divisor'], ['y']),
    ],
    input: [value('x', DataType.FLOAT, ['N', 2])],
    output: [value('y', DataType.FLOAT, ['N', 2])],
  });
}

function mlp(
  widths: readonly number[],
  weight: (name: string, dims: readonly number[], weights: Float32Array) => onnx.ITensorProto,
): { model: Uint8Array } {
  const nodes: onnx.INodeProto[] = [];
  const weights: onnx.ITensorProto[] = [];
  const layers = widths.length - 1;
  let last = 'x';
  for (let layer = 0; layer < layers; layer++) {
    const [rows = 1, columns = 1] = widths.slice(layer, layer + 2);
    weights.push(weight(`w${layer}`, [rows, columns], weightsFor(rows, columns)));
    weights.push(weight(`b${layer}`, [columns], new Float32Array(columns).fill(0.01)));
    nodes.push(node('MatMul', [last, `w${layer}`], [`m${layer}`]));
    nodes.push(node('Add', [`m${layer}`, `b${layer}`], [`a${layer}`]));
    if (layer < layers - 1) nodes.push(node('Relu', [`a${layer}`], [`r${layer}`]));
    last = `r${layer}`;
  }
  nodes.push(node('Softmax', [`a${layers - 1}`], ['y'], [intAttribute('axis', -1)]));
  const model = encode({
    node: nodes,
    initializer: weights,
    input: [value('x', DataType.FLOAT, ['N', widths[0] ?? 1])],
    output: [value('y', DataType.FLOAT, ['N', widths[layers] ?? 1])],
  });
  return { model };
}

/** Spread over about [-1, 1] / sqrt(rows), the same ones every time. */
function weightsFor(rows: number, columns: number): Float32Array {
  return Float32Array.from({ length: rows * columns }, (_, index) => {
    return (((index * 2_654_435_761) % 1000) / 500 - 1) / Math.sqrt(rows);
  });
}

function elementTypeModel(elemType: onnx.TensorProto.DataType, shape: DeclaredShape): Uint8Array {
  const nodes = [node('Identity', ['x'], ['y'])];
  return encode({ node: nodes, input: [value('x', elemType, shape)], output: [value('y', elemType, shape)] });
}

export function value(
  name: string,
  elemType: onnx.TensorProto.DataType,
  shape: DeclaredShape,
): onnx.IValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

export function node(
  opType: string,
  input: string[],
  output: string[],
  attribute: onnx.IAttributeProto[] = [],
): onnx.INodeProto {
  return { opType, name: `${opType}_${output.join('_')}`, input, output, attribute };
}

export function intAttribute(name: string, i: number): onnx.IAttributeProto {
  return { name, type: AttributeType.INT, i };
}

export function initializer(
  name: string,
  dataType: onnx.TensorProto.DataType,
  dims: readonly number[],
  rawData: Uint8Array,
): onnx.ITensorProto {
  return { name, dataType, dims: [...dims], rawData };
}

export function bytesOf(array: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

export function encode(
  graph: onnx.IGraphProto,
  opset = OPSET_VERSION,
  moreOpsets: readonly onnx.IOperatorSetIdProto[] = [],
  functions: onnx.IFunctionProto[] = [],
): Uint8Array {
  const model = onnx.ModelProto.create({
    irVersion: IR_VERSION,
    opsetImport: [{ domain: '', version: opset }, ...moreOpsets],
    producerName: 'nestor-tests',
    graph: { name: 'graph', ...graph },
    functions,
  });
  return onnx.ModelProto.encode(model).finish();
}
