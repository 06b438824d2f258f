import type { Model } from '../onnx/model';
import { Node } from '../onnx/node';
import type { Weight } from '../onnx/weight';
import { clampMasks } from './mask-clamp';

/** What was rewritten, and how often. */
export type Rewritten = Readonly<Record<string, number>>;

/**
 * Rewrites what exporters leave into what computes the same, to rounding, in less time. Only values that one operator
 * alone reads are touched, and weights that are used once.
 */
export function rewriteExactly(model: Model): Rewritten {
  const masks = clampMasks(model);
  const hardSwish = hardSwishes(model);
  let folded = each(model, affineAfterConv) + each(model, affineBeforeConv);
  each(model, factorBehindSum);
  folded += each(model, affineBeforeConv);
  const sums = each(model, sumAsConv);
  const all = {
    'masks kept above -64': masks,
    'HardSwish of its parts': hardSwish,
    'factors and sums put into the weights of a Conv': folded,
    'sums between convolutions as a Conv': sums,
  };
  return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
}

/** Tries a rewrite at every operator, until none of them fits it. */
function each(model: Model, rewrite: (model: Model, node: Node) => boolean): number {
  let count = 0;
  for (let again = true; again;) {
    again = false;
    for (const node of model.nodes) {
      // It may have been replaced by one before it.
      if (!model.nodes.includes(node) || !rewrite(model, node)) continue;
      count++;
      again = true;
    }
  }
  return count;
}

/** A binary operator's scalar and its other input; undefined where neither is a constant. */
interface Affine {
  readonly scalar: number;
  readonly of: string;
}

function affineOf(model: Model, node: Node | undefined, operator: 'Mul' | 'Add'): Affine | undefined {
  if (node?.is(operator) !== true) return undefined;
  for (const at of [0, 1]) {
    const scalar = model.scalar(node.inputs[at]);
    const of = node.inputs[1 - at];
    if (scalar !== undefined && of !== undefined && model.scalar(of) === undefined) return { scalar, of };
  }
  return undefined;
}

/** `x * clip(x + 3, 0, 6) / 6`, in whatever order: the runtime has a kernel for `x * HardSigmoid(x)`. */
function hardSwishes(model: Model): number {
  const replaced = new Map<Node, readonly Node[]>();
  for (const add of model.nodes) {
    const sum = affineOf(model, add, 'Add');
    const clip = sum && near(sum.scalar, 3) ? model.onlyReader(add.output) : undefined;
    if (sum === undefined || clip === undefined || !isClip(model, clip, 0, 6)) continue;
    const next = model.onlyReader(clip.output);
    if (next === undefined) continue;
    if (isSixth(model, next, clip.output)) {
      // HardSigmoid alone; the product, where there is one, is as it was.
      for (const gone of [add, clip]) replaced.set(gone, []);
      replaced.set(next, [hardSigmoid(sum.of, next.output)]);
    } else if (next.is('Mul') && next.inputs.includes(sum.of)) {
      const last = model.onlyReader(next.output);
      if (last === undefined || !isSixth(model, last, next.output)) continue;
      for (const gone of [add, clip, next]) replaced.set(gone, []);
      const share = `${last.output}/hard_sigmoid`;
      replaced.set(last, [hardSigmoid(sum.of, share), Node.make('Mul', [sum.of, share], last.outputs)]);
    }
  }
  const count = [...replaced.values()].filter((nodes) => nodes.length > 0).length;
  model.replace(replaced);
  return count;
}

function hardSigmoid(input: string, output: string): Node {
  return Node.make('HardSigmoid', [input], [output], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } });
}

function isClip(model: Model, node: Node, low: number, high: number): boolean {
  if (!node.is('Clip')) return false;
  const bound = (at: number, attribute: string): number =>
    node.inputs[at] !== undefined ? (model.scalar(node.inputs[at]) ?? NaN) : node.number(attribute, NaN);
  return bound(1, 'min') === low && bound(2, 'max') === high;
}

/** Is it a sixth of this value? */
function isSixth(model: Model, node: Node, of: string): boolean {
  if (node.is('Div')) return node.inputs[0] === of && near(model.scalar(node.inputs[1]) ?? 0, 6);
  return near((affineOf(model, node, 'Mul')?.scalar ?? 0) * 6, 1);
}

function near(value: number, wanted: number): boolean {
  return Math.abs(value - wanted) <= 1e-4 * wanted;
}

/** The weights of a Conv that nothing else uses. */
interface ConvWeights {
  readonly weight: Weight;
  /** Undefined: it has none. */
  readonly bias: Weight | undefined;
}

function convWeights(model: Model, node: Node | undefined): ConvWeights | undefined {
  if (node?.is('Conv') !== true) return undefined;
  const [, w = '', b = ''] = node.inputs;
  const weight = ownWeight(model, w);
  const bias = ownWeight(model, b);
  return weight === undefined || (b !== '' && bias === undefined) ? undefined : { weight, bias };
}

function ownWeight(model: Model, name: string): Weight | undefined {
  const isOwn = !model.isSeen(name) && model.flow.readers.get(name)?.length === 1;
  return isOwn ? model.floats(name) : undefined;
}

/** A Conv with other weights, under names of their own. */
function withWeights(
  model: Model,
  conv: Node,
  { input = conv.inputs[0]!, outputs = conv.outputs }: { input?: string; outputs?: readonly string[] },
  { weight, bias }: ConvWeights,
  change: { weights?: (value: number) => number; bias?: (value: number, channel: number) => number },
): Node {
  const channels = weight.dims[0]!;
  let [, w = '', b = ''] = conv.inputs;
  if (change.weights !== undefined)
    w = model.make(fresh(model, w), 'float', weight.dims, weight.floats().map(change.weights));
  if (change.bias !== undefined) {
    const values = (bias?.floats() ?? new Float32Array(channels)).map(change.bias);
    b = model.make(fresh(model, bias?.name ?? `${w}/bias`), 'float', [channels], values);
  }
  return conv.between(b === '' ? [input, w] : [input, w, b], outputs);
}

/** A name that no weight has yet. */
function fresh(model: Model, name: string): string {
  for (let i = 1; ; i++) if (!model.weights.has(`${name}/${i}`)) return `${name}/${i}`;
}

/** A scalar factor or sum behind a Conv, in its weights. */
function affineAfterConv(model: Model, conv: Node): boolean {
  const own = convWeights(model, conv);
  const next = own && model.onlyReader(conv.output);
  const factor = affineOf(model, next, 'Mul')?.scalar;
  const sum = affineOf(model, next, 'Add')?.scalar;
  if (own === undefined || next === undefined || (factor === undefined && sum === undefined)) return false;
  const outputs = next.outputs;
  const changed =
    factor === undefined
      ? withWeights(model, conv, { outputs }, own, { bias: (value) => value + sum! })
      : withWeights(model, conv, { outputs }, own, {
          weights: (value) => value * factor,
          ...(own.bias !== undefined && { bias: (value) => value * factor }),
        });
  model.replace(
    new Map([
      [conv, [changed]],
      [next, []],
    ]),
  );
  return true;
}

/** A scalar factor before a Conv, or a sum where nothing is padded around it, in its weights. */
function affineBeforeConv(model: Model, conv: Node): boolean {
  const own = convWeights(model, conv);
  const input = conv.inputs[0] ?? '';
  const before = own && model.flow.makers.get(input);
  if (own === undefined || before === undefined || model.onlyReader(input) !== conv) return false;
  const factor = affineOf(model, before, 'Mul');
  const sum = affineOf(model, before, 'Add');
  let changed: Node;
  if (factor !== undefined) {
    changed = withWeights(model, conv, { input: factor.of }, own, {
      weights: (value) => value * factor.scalar,
    });
  } else if (sum !== undefined && !isPadded(conv)) {
    const weights = own.weight.floats();
    const each = weights.length / own.weight.dims[0]!;
    const total = (channel: number): number =>
      weights.subarray(channel * each, (channel + 1) * each).reduce((all, value) => all + value, 0);
    changed = withWeights(model, conv, { input: sum.of }, own, {
      bias: (value, channel) => value + sum.scalar * total(channel),
    });
  } else return false;
  model.replace(
    new Map([
      [conv, [changed]],
      [before, []],
    ]),
  );
  return true;
}

function isPadded(conv: Node): boolean {
  const auto = conv.attributes.get('auto_pad') ?? 'NOTSET';
  return auto !== 'NOTSET' || (conv.numbers('pads') ?? []).some((pad) => pad !== 0);
}

/** `x * a + b` before a padded Conv as `(x + b / a) * a`: the factor can go on into the weights. */
function factorBehindSum(model: Model, add: Node): boolean {
  const sum = affineOf(model, add, 'Add');
  const mul = sum && model.flow.makers.get(sum.of);
  const factor = affineOf(model, mul, 'Mul');
  if (sum === undefined || mul === undefined || factor === undefined || Math.abs(factor.scalar) < 1e-3)
    return false;
  if (model.onlyReader(sum.of) !== add) return false;
  const conv = model.onlyReader(add.output);
  if (convWeights(model, conv) === undefined || conv?.inputs[0] !== add.output) return false;
  const by = mul.inputs.find((name) => name !== factor.of)!;
  const offset = model.make(`${add.output}/offset`, 'float', [], Float32Array.of(sum.scalar / factor.scalar));
  const moved = `${add.output}/sum`;
  model.replace(
    new Map([
      [mul, []],
      [add, [Node.make('Add', [factor.of, offset], [moved]), Node.make('Mul', [moved, by], add.outputs)]],
    ]),
  );
  return true;
}

/** The sum that is left before a Conv, as a Conv of one pixel: the runtime keeps its own layout of pictures then. */
function sumAsConv(model: Model, add: Node): boolean {
  const sum = affineOf(model, add, 'Add');
  if (sum === undefined) return false;
  const conv = model.flow.readers
    .get(add.output)
    ?.find((node) => node.is('Conv') && node.inputs[0] === add.output);
  const weight = model.floats(conv?.inputs[1]);
  // Only where pictures come from a Conv, or something of that kind, is there such a layout.
  if (conv === undefined || weight?.dims.length !== 4) return false;
  const channels = weight.dims[1]! * conv.number('group', 1);
  const w = model.make(`${add.output}/one`, 'float', [channels, 1, 1, 1], new Float32Array(channels).fill(1));
  const b = model.make(`${add.output}/sum`, 'float', [channels], new Float32Array(channels).fill(sum.scalar));
  const attributes = { kernel_shape: [1, 1], group: channels };
  model.replace(new Map([[add, [Node.make('Conv', [sum.of, w, b], add.outputs, attributes)]]]));
  return true;
}
