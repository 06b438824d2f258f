import { axisOf, axesOf, constantOf, type KnownValue, type Scope } from './row-axes';
import { RowFlow } from './row-flow';
import type { Graph, GraphNode, ModelGraph } from './model-graph';

/** Operators that scale what they are given by the largest of all of it. `quantize_dynamic` makes them. */
const SCALED_BY_ALL: ReadonlySet<string> = new Set([
  'DynamicQuantizeLinear',
  // The runtime's own, of com.microsoft.
  'DynamicQuantizeMatMul',
  'DynamicQuantizeLSTM',
]);

const REDUCTION = /^Reduce(Sum|SumSquare|Mean|Max|Min|Prod|L1|L2|LogSum|LogSumExp)$/;
const SPATIAL: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'ConvInteger',
  'QLinearConv',
  'MaxPool',
  'AveragePool',
  'LpPool',
  'GlobalAveragePool',
  'GlobalMaxPool',
  'GlobalLpPool',
  'InstanceNormalization',
  'GroupNormalization',
  'LRN',
]);
const CHANNEL_MIXING: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'ConvInteger',
  'QLinearConv',
  'GroupNormalization',
  'LRN',
]);
/** They scan their first input's leading axis, unless told that the second one is time. */
const RECURRENT: ReadonlySet<string> = new Set(['RNN', 'GRU', 'LSTM']);
/** From here on Softmax and its kind look at one axis; before, at all from one on. */
const ONE_AXIS_OPSET = 13;

/** Ends of a `Slice` from here on stand for the end of the axis. */
const TO_THE_END = 2 ** 31 - 1;

/**
 * Why rows of a model in one batch can change each other's answers, as far as its graph shows: an operator that
 * reduces, scans, normalises or shifts over the axis on which the rows lie, wherever the graph has moved it to, or that scales
 * by all it is given. Undefined where none is found: that is no proof, as of many operators nothing is known here.
 */
export function rowCoupling({ graph, opset }: ModelGraph): string | undefined {
  const values = new Map<string, KnownValue>();
  for (const { name, shape } of graph.inputs) {
    const rank = shape?.length;
    if (!graph.constants.has(name)) values.set(name, { rank, rows: rank === 0 ? undefined : 0 });
  }
  return inGraph({ graph, values, around: undefined }, opset);
}

function inGraph(scope: Scope, opset: number): string | undefined {
  const flow = new RowFlow(scope);
  for (const node of scope.graph.nodes) {
    const bodies = flow.bodiesOf(node);
    const reason = inNode(node, flow, opset) ?? inBodies(bodies, opset);
    if (reason !== undefined) return reason;
    flow.follow(node, bodies);
  }
  return undefined;
}

function inBodies(bodies: readonly Scope[], opset: number): string | undefined {
  for (const body of bodies) {
    const reason = inGraph(body, opset);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function inNode(node: GraphNode, flow: RowFlow, opset: number): string | undefined {
  const { operator, domain } = node;
  if (SCALED_BY_ALL.has(operator)) return scalesByAll(node);
  if (domain !== '') return undefined;
  const over = mixesRows(node, flow, opset);
  return over ? `its operator ${operator} works over the axis of the rows` : undefined;
}

function scalesByAll({ operator }: GraphNode): string {
  return `its operator ${operator} scales by the largest value of the whole batch; \`nestor optimize --int8\` makes of the original one that does not`;
}

function mixesRows(node: GraphNode, flow: RowFlow, opset: number): boolean {
  const { operator, attributes } = node;
  const { rank, rows } = flow.input(node, 0);
  const isRows = (axis: number | undefined): boolean => axis !== undefined && axis === rows;
  const axis = (fallback: number): number | undefined =>
    axisOf(attributes.get('axis')?.integer ?? fallback, rank);
  const fromAxisOn = (fallback: number): boolean => {
    const first = axis(fallback);
    return rows !== undefined && first !== undefined && rows >= first;
  };

  if (operator === 'MatMul' || operator === 'Gemm') return contractsRows(node, flow);
  if (operator === 'Scan') return scansRows(node, flow, opset);
  if (operator === 'Einsum') return flow.einsum(node) === 'mixed';
  if (operator === 'Concat') return joinsRows(node, flow);
  if (rows === undefined) return false;
  if (REDUCTION.test(operator)) {
    const axes = axesOf(node, flow.scope, rank);
    if (axes === 'unknown') return false;
    return axes === undefined ? attributes.get('noop_with_empty_axes')?.integer !== 1 : axes.includes(rows);
  }
  if (SPATIAL.has(operator)) return rows >= 2 || (rows === 1 && CHANNEL_MIXING.has(operator));
  if (RECURRENT.has(operator)) return rows === 0 && attributes.get('layout')?.integer !== 1;
  switch (operator) {
    case 'ArgMax':
    case 'ArgMin':
      return isRows(axis(0));
    case 'TopK':
    case 'LpNormalization':
      return isRows(axis(-1));
    case 'Split':
    case 'GatherElements':
    case 'ScatterElements':
    case 'Scatter':
      return isRows(axis(0));
    case 'Slice':
      return cutsRows(node, flow);
    case 'Pad':
      return padsRows(node, flow);
    case 'Trilu':
      return rank !== undefined && rows >= rank - 2;
    case 'ReverseSequence':
      return isRows(axisOf(attributes.get('time_axis')?.integer ?? 0, rank));
    case 'Compress':
      return !attributes.has('axis') || isRows(axis(0));
    case 'Unique':
      return true;
    case 'StringNormalizer':
      return attributes.has('stopwords');
    case 'Gather':
      return isRows(axis(0)) && constantOf(node.inputs[1], flow.scope) !== undefined;
    case 'CumSum':
      return isRows(axisOf(constantOf(node.inputs[1], flow.scope)?.integers?.[0], rank));
    case 'DFT':
      return isRows(axisOf(dftAxis(node, flow, opset), rank));
    case 'STFT':
      return rows === 1;
    case 'Softmax':
    case 'LogSoftmax':
    case 'Hardmax':
      return opset >= ONE_AXIS_OPSET ? isRows(axis(-1)) : fromAxisOn(1);
    case 'LayerNormalization':
    case 'RMSNormalization':
      return fromAxisOn(-1);
    case 'MeanVarianceNormalization': {
      const given = attributes.get('axes')?.integers ?? [];
      return (given.length > 0 ? given : [0, 2, 3]).some((one) => isRows(axisOf(one, rank)));
    }
    case 'BatchNormalization':
      return attributes.get('training_mode')?.integer === 1;
    default:
      return false;
  }
}

function joinsRows(node: GraphNode, flow: RowFlow): boolean {
  return node.inputs.some((_, i) => {
    const { rank, rows } = flow.input(node, i);
    return rows !== undefined && axisOf(node.attributes.get('axis')?.integer ?? 1, rank) === rows;
  });
}

/** Does it take some of the rows, or all of them in another order? Where the graph makes its bounds, nobody knows. */
function cutsRows(node: GraphNode, flow: RowFlow): boolean {
  const { inputs, attributes } = node;
  const given = (attribute: string, position: number): readonly number[] | undefined =>
    attributes.get(attribute)?.integers ?? constantOf(inputs[position], flow.scope)?.integers;
  const starts = given('starts', 1);
  const ends = given('ends', 2);
  if (starts === undefined || ends === undefined) return false;
  const { rank, rows } = flow.input(node, 0);
  const axes = given('axes', 3) ?? starts.map((_, i) => i);
  const steps = given('steps', 4);
  const place = axes.findIndex((axis) => axisOf(axis, rank) === rows);
  if (place === -1) return false;
  return starts[place] !== 0 || ends[place]! < TO_THE_END || (steps?.[place] ?? 1) !== 1;
}

/** Rows that it adds shift those that are there, and rows that it takes away are somebody's. */
function padsRows(node: GraphNode, flow: RowFlow): boolean {
  const { inputs, attributes } = node;
  const { rank, rows } = flow.input(node, 0);
  const pads = attributes.get('pads')?.integers ?? constantOf(inputs[1], flow.scope)?.integers;
  if (pads === undefined || rows === undefined) return false;
  const axes = constantOf(inputs[3], flow.scope)?.integers?.map((axis) => axisOf(axis, rank));
  const place = axes === undefined ? rows : axes.indexOf(rows);
  return place !== -1 && (pads[place] !== 0 || pads[place + pads.length / 2] !== 0);
}

/** Since opset 20 the axis is an input. */
function dftAxis({ attributes, inputs }: GraphNode, flow: RowFlow, opset: number): number | undefined {
  if (opset < 20) return attributes.get('axis')?.integer ?? 1;
  const name = inputs[2];
  return name === undefined || name === '' ? -2 : constantOf(name, flow.scope)?.integers?.[0];
}

/** A product of matrices adds up over the last axis of one and the last but one of the other. */
function contractsRows(node: GraphNode, flow: RowFlow): boolean {
  const a = flow.input(node, 0);
  const b = flow.input(node, 1);
  const isSet = (name: string): boolean => node.attributes.get(name)?.integer === 1;
  const overA = isSet('transA') ? axisOf(-2, a.rank) : axisOf(-1, a.rank);
  const overB = isSet('transB') || b.rank === 1 ? axisOf(-1, b.rank) : axisOf(-2, b.rank);
  return (a.rows !== undefined && a.rows === overA) || (b.rows !== undefined && b.rows === overB);
}

/** One that carries something on from row to row; without that, or where it only hands it through, each row is alone. */
function scansRows(node: GraphNode, flow: RowFlow, opset: number): boolean {
  const { attributes, inputs } = node;
  const body = attributes.get('body')?.graphs[0];
  const scanned = attributes.get('num_scan_inputs')?.integer;
  // Before this version the leading axis is a batch of its own kind.
  if (body === undefined || scanned === undefined || opset < 9) return false;
  const states = inputs.length - scanned;
  const axes = attributes.get('scan_input_axes')?.integers ?? [];
  const overRows = inputs.slice(states).some((_, i) => {
    const { rank, rows } = flow.input(node, states + i);
    return rows !== undefined && axisOf(axes[i] ?? 0, rank) === rows;
  });
  return overRows && !handsThrough(body, states);
}

function handsThrough({ nodes, inputs, outputs }: Graph, states: number): boolean {
  for (let i = 0; i < states; i++) {
    const from = inputs[i]?.name;
    const to = outputs[i];
    if (from === to) continue;
    if (!nodes.some((n) => n.operator === 'Identity' && n.inputs[0] === from && n.outputs[0] === to))
      return false;
  }
  return true;
}
