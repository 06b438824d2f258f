import { axesOf, axisOf, constantOf, type KnownValue, type Scope, UNKNOWN } from './row-axes';
import type { GraphNode } from './model-graph';

const SAME_SHAPE = new Set(
  (
    'Identity Cast CastLike Relu LeakyRelu Elu Selu Celu Gelu Sigmoid HardSigmoid HardSwish Mish Swish Softplus ' +
    'Softsign ThresholdedRelu Shrink Tanh Exp Log Sqrt Reciprocal Abs Neg Sign Ceil Floor Round Erf Not IsNaN IsInf ' +
    'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Clip Dropout BatchNormalization InstanceNormalization ' +
    'GroupNormalization LayerNormalization RMSNormalization MeanVarianceNormalization LpNormalization LRN Softmax ' +
    'LogSoftmax Hardmax QuantizeLinear DequantizeLinear CumSum Pad Trilu TopK Conv ConvTranspose ConvInteger ' +
    'QLinearConv MaxPool AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool Resize Upsample Split Slice ' +
    'BitwiseNot StringNormalizer Tile ReverseSequence ScatterElements ScatterND'
  ).split(' '),
);
const ELEMENTWISE = new Set(
  (
    'Add Sub Mul Div Pow Mod Min Max Mean Sum And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual Where PRelu ' +
    'BitShift BitwiseAnd BitwiseOr BitwiseXor'
  ).split(' '),
);
const REDUCTION = /^Reduce|^Arg(Max|Min)$/;
const RECURRENT = new Set(['RNN', 'GRU', 'LSTM']);
/** They number or count instead of handing on. */
const WITHOUT_ROWS = new Set(['Shape', 'Size', 'Constant', 'ConstantOfShape', 'Range']);

/** Follows the axis of the rows through a graph, node by node in the order of the file, as far as operators are known here. */
export class RowFlow {
  constructor(readonly scope: Scope) {}

  /** What is known of an input of a node. */
  input(node: GraphNode, position: number): KnownValue {
    return this.value(node.inputs[position]);
  }

  value(name: string | undefined): KnownValue {
    if (name === undefined || name === '') return UNKNOWN;
    for (let at: Scope | undefined = this.scope; at !== undefined; at = at.around) {
      const value = at.values.get(name);
      if (value !== undefined) return value;
    }
    const constant = constantOf(name, this.scope);
    return constant === undefined ? UNKNOWN : { rank: constant.rank, rows: undefined };
  }

  /**
   * Bodies of `If`, `Loop` and `Scan` see the values around them. What a loop carries on it is given; what a scan takes
   * apart is followed no further.
   */
  bodiesOf(node: GraphNode): Scope[] {
    const own = ownInputs(node);
    const given = carried(node);
    return [...node.attributes.values()].flatMap(({ graphs }) =>
      graphs.map((graph) => {
        const values = new Map<string, KnownValue>();
        for (let i = 0; i < given; i++) {
          const { name = '' } = graph.inputs[own + i] ?? {};
          values.set(name, this.input(node, own + i));
        }
        return { graph, values, around: this.scope };
      }),
    );
  }

  /** Notes what is known of a node's outputs. @param bodies looked through already */
  follow(node: GraphNode, bodies: readonly Scope[]): void {
    const outputs =
      bodies.length > 0 ? handedOut(node, bodies) : node.domain === '' ? this.outputsOf(node) : [];
    node.outputs.forEach((name, i) => {
      if (name !== '') this.scope.values.set(name, outputs[i] ?? outputs.at(-1) ?? UNKNOWN);
    });
  }

  /** One for each output; the last one is that of all that follow. */
  private outputsOf(node: GraphNode): KnownValue[] {
    const { operator } = node;
    const first = this.input(node, 0);
    if (WITHOUT_ROWS.has(operator)) return [UNKNOWN];
    // Mean and variance of a BatchNormalization are of no rows.
    if (operator === 'BatchNormalization') return [first, UNKNOWN];
    if (SAME_SHAPE.has(operator)) return [first];
    if (ELEMENTWISE.has(operator)) return [this.broadcast(node)];
    if (REDUCTION.test(operator)) return [this.reduced(node, first)];
    if (RECURRENT.has(operator)) return recurrent(node, first);
    switch (operator) {
      case 'Transpose':
        return [transposed(node, first)];
      case 'Unsqueeze':
        return [this.unsqueezed(node, first)];
      case 'Squeeze':
        return [this.squeezed(node, first)];
      case 'Flatten':
        return [flattened(node, first)];
      case 'Reshape':
        return [this.reshaped(node, first)];
      case 'Concat':
        return [this.joined(node)];
      case 'Einsum': {
        const product = this.einsum(node);
        return [product === 'mixed' ? UNKNOWN : product];
      }
      case 'OneHot':
        return [widened(node, first)];
      case 'Gather':
        return [this.gathered(node, first)];
      case 'MatMul':
      case 'MatMulInteger':
        return [this.product(node)];
      case 'Gemm':
        return [
          { rank: 2, rows: first.rows === 0 && node.attributes.get('transA')?.integer !== 1 ? 0 : undefined },
        ];
      default:
        return [UNKNOWN];
    }
  }

  /** Axes are counted from the last one, so that those of a lower rank shift. */
  private broadcast(node: GraphNode): KnownValue {
    const inputs = node.inputs.map((_, i) => this.input(node, i));
    let rank = 0;
    for (const input of inputs) {
      if (input.rank === undefined) return UNKNOWN;
      rank = Math.max(rank, input.rank);
    }
    for (const input of inputs) {
      if (input.rows !== undefined && input.rank !== undefined)
        return { rank, rows: input.rows + rank - input.rank };
    }
    return { rank, rows: undefined };
  }

  private reduced(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
    const byAxis = node.operator.startsWith('Arg');
    const axis = axisOf(node.attributes.get('axis')?.integer ?? 0, rank);
    const axes = byAxis ? (axis === undefined ? 'unknown' : [axis]) : axesOf(node, this.scope, rank);
    if (axes === 'unknown' || rank === undefined) return UNKNOWN;
    if (axes === undefined)
      return node.attributes.get('noop_with_empty_axes')?.integer === 1 ? { rank, rows } : UNKNOWN;
    if (rows !== undefined && axes.includes(rows)) return UNKNOWN;
    return node.attributes.get('keepdims')?.integer === 0 ? without(axes, { rank, rows }) : { rank, rows };
  }

  private unsqueezed(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
    if (rank === undefined) return UNKNOWN;
    const given = node.attributes.get('axes')?.integers ?? constantOf(node.inputs[1], this.scope)?.integers;
    if (given === undefined) return UNKNOWN;
    const newRank = rank + given.length;
    const axes = given.map((axis) => axisOf(axis, newRank));
    const kept = Array.from({ length: newRank }, (_, axis) => axis).filter((axis) => !axes.includes(axis));
    return { rank: newRank, rows: rows === undefined ? undefined : kept[rows] };
  }

  private squeezed(node: GraphNode, value: KnownValue): KnownValue {
    const axes = axesOf(node, this.scope, value.rank);
    if (axes === 'unknown' || axes === undefined) return UNKNOWN;
    return without(axes, value);
  }

  /** A sum of products: of no rows where it adds up over them, or has those of one input meet those of another. */
  einsum(node: GraphNode): KnownValue | 'mixed' {
    const [terms, result] = (node.attributes.get('equation')?.text ?? '').replaceAll(' ', '').split('->');
    if (terms === undefined || result === undefined || terms.includes('.')) return UNKNOWN;
    const ofRows = new Set<string>();
    terms.split(',').forEach((term, i) => {
      const letter = term[this.input(node, i).rows ?? -1];
      if (letter !== undefined) ofRows.add(letter);
    });
    const [letter, ...others] = ofRows;
    if (letter === undefined) return { rank: result.length, rows: undefined };
    const rows = result.indexOf(letter);
    return others.length > 0 || rows === -1 ? 'mixed' : { rank: result.length, rows };
  }

  /** Known where the leading axis stays, takes in those that follow it, or goes behind some of size 1. */
  private reshaped(node: GraphNode, { rows }: KnownValue): KnownValue {
    const sizes = constantOf(node.inputs[1], this.scope)?.integers;
    if (sizes === undefined) return UNKNOWN;
    const open = sizes.indexOf(-1);
    if (rows === 0 && open > 0 && sizes.slice(0, open).every((size) => size === 1))
      return { rank: sizes.length, rows: open };
    const copies = sizes[0] === 0 && node.attributes.get('allowzero')?.integer !== 1;
    return { rank: sizes.length, rows: rows === 0 && (copies || sizes[0] === -1) ? 0 : undefined };
  }

  private joined(node: GraphNode): KnownValue {
    const inputs = node.inputs.map((_, i) => this.input(node, i));
    const known = inputs.find(({ rank }) => rank !== undefined);
    const { rows } = inputs.find((input) => input.rows !== undefined) ?? UNKNOWN;
    const axis = axisOf(node.attributes.get('axis')?.integer ?? 1, known?.rank);
    return { rank: known?.rank, rows: axis === undefined || axis === rows ? undefined : rows };
  }

  private gathered(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
    const indices = this.input(node, 1);
    const axis = axisOf(node.attributes.get('axis')?.integer ?? 0, rank);
    if (rank === undefined || indices.rank === undefined || axis === undefined) return UNKNOWN;
    const newRank = rank + indices.rank - 1;
    // A table that is looked up by rows has theirs.
    if (rows === undefined && indices.rows !== undefined) return { rank: newRank, rows: axis + indices.rows };
    if (rows === undefined || rows === axis) return { rank: newRank, rows: undefined };
    return { rank: newRank, rows: rows < axis ? rows : rows + indices.rank - 1 };
  }

  private product(node: GraphNode): KnownValue {
    const a = this.input(node, 0);
    const b = this.input(node, 1);
    if (a.rank === undefined || b.rank === undefined || a.rank < 2 || b.rank < 2) return UNKNOWN;
    const rank = Math.max(a.rank, b.rank);
    const ofA = a.rows === undefined || a.rows === a.rank - 1 ? undefined : a.rows + rank - a.rank;
    const ofB = b.rows === undefined || b.rows === b.rank - 2 ? undefined : b.rows + rank - b.rank;
    return { rank, rows: ofA ?? ofB };
  }
}

function transposed(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
  const order = node.attributes.get('perm')?.integers;
  if (rows === undefined) return { rank, rows };
  if (order !== undefined) return { rank: order.length, rows: order.indexOf(rows) };
  return { rank, rows: rank === undefined ? undefined : rank - 1 - rows };
}

function flattened(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
  const axis = axisOf(node.attributes.get('axis')?.integer ?? 1, rank);
  if (axis === undefined || rows === undefined) return { rank: 2, rows: undefined };
  return { rank: 2, rows: rows < axis ? 0 : 1 };
}

/** The new axis is the last one, unless the node says where. */
function widened(node: GraphNode, { rank, rows }: KnownValue): KnownValue {
  if (rank === undefined) return UNKNOWN;
  const axis = axisOf(node.attributes.get('axis')?.integer ?? -1, rank + 1);
  return { rank: rank + 1, rows: rows === undefined || axis === undefined || axis > rows ? rows : rows + 1 };
}

/** All steps, then the last one; with `layout` 1 the rows lead. https://onnx.ai/onnx/operators/onnx__GRU.html */
function recurrent(node: GraphNode, { rows }: KnownValue): KnownValue[] {
  const leads = node.attributes.get('layout')?.integer === 1;
  if (rows !== (leads ? 0 : 1)) return [UNKNOWN];
  return leads
    ? [
        { rank: 4, rows: 0 },
        { rank: 3, rows: 0 },
      ]
    : [
        { rank: 4, rows: 2 },
        { rank: 3, rows: 1 },
      ];
}

function without(axes: readonly number[], { rank, rows }: KnownValue): KnownValue {
  if (rank === undefined) return UNKNOWN;
  const below = rows === undefined ? 0 : axes.filter((axis) => axis < rows).length;
  const isGone = rows !== undefined && axes.includes(rows);
  return { rank: rank - axes.length, rows: rows === undefined || isGone ? undefined : rows - below };
}

/** Of a loop's inputs those that its body has not got as they are: how often, and whether at all. */
function ownInputs({ operator }: GraphNode): number {
  return operator === 'Loop' ? 2 : 0;
}

/** How many values a loop or a scan hands from one turn to the next. */
function carried({ operator, inputs, attributes }: GraphNode): number {
  if (operator === 'Loop') return inputs.length - 2;
  return operator === 'Scan'
    ? inputs.length - (attributes.get('num_scan_inputs')?.integer ?? inputs.length)
    : 0;
}

/** What bodies give: each branch all, a loop and a scan what they carry on. */
function handedOut(node: GraphNode, bodies: readonly Scope[]): KnownValue[] {
  const isBranch = node.operator === 'If';
  const first = node.operator === 'Loop' ? 1 : 0;
  return node.outputs.map((_, i) => {
    if (!isBranch && i >= carried(node)) return UNKNOWN;
    const given = bodies.map((body) => new RowFlow(body).value(body.graph.outputs[first + i]));
    return given.find(({ rows }) => rows !== undefined) ?? given[0] ?? UNKNOWN;
  });
}
