import { MICROSOFT, type Model } from '../onnx/model';
import { Node } from '../onnx/node';
import type { Seen } from '../observe';
import { codesOf, roundHalfEven } from './rounding';

/** They hand eight bits on as they are, where all they are given is in eight bits. */
const HANDED_ON = [
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Flatten',
  'Reshape',
  'Transpose',
  'Add',
  'Concat',
];
/** From here on ONNX's own operators dequantise by channel. */
const BY_CHANNEL = 13;
const LARGEST_BIAS = 2 ** 31 - 1;

/** What runs in eight bits. */
export interface StaticPlan {
  readonly nodes: ReadonlySet<Node>;
  /** Values whose range has to be known. */
  readonly values: readonly string[];
}

/** Convolutions and layers that can run in eight bits, by what they give. */
export function convolutionsOf(model: Model): string[] {
  return model.nodes.filter((node) => isQuantisable(model, node)).map(({ output }) => output);
}

function isQuantisable(model: Model, node: Node): boolean {
  const [, w, b = ''] = node.inputs;
  const weight = node.is('Conv', 'Gemm') ? model.floats(w) : undefined;
  if (weight === undefined || (b !== '' && model.floats(b) === undefined)) return false;
  if (node.operator === 'Conv') return weight.dims.length >= 3;
  const isPlain =
    node.number('transA', 0) === 0 && node.number('alpha', 1) === 1 && node.number('beta', 1) === 1;
  const bias = model.floats(b);
  return isPlain && weight.dims.length === 2 && (bias === undefined || bias.dims.length === 1);
}

/**
 * The operators that follow in eight bits what is left as it is: the runtime makes eight bits of weights of its own accord,
 * and worse, between values that are in eight bits.
 */
export function withFollowers(model: Model, left: readonly string[]): string[] {
  return left.flatMap((name) => {
    const node = model.flow.makers.get(name);
    const next = node === undefined ? undefined : model.onlyReader(afterActivation(model, node));
    return next !== undefined && isQuantisable(model, next) ? [name, next.output] : [name];
  });
}

/** What a convolution gives, behind the Relu or Clip that alone reads it. */
function afterActivation(model: Model, node: Node): string {
  const next = model.onlyReader(node.output);
  return node.is('Conv', 'Add') && next?.is('Relu', 'Clip') === true ? next.output : node.output;
}

export function planStatic(model: Model, left: ReadonlySet<string>): StaticPlan {
  const nodes = new Set<Node>();
  const values = new Set<string>();
  for (const node of model.nodes) {
    if (left.has(node.output) || !isQuantisable(model, node)) continue;
    nodes.add(node);
    values.add(node.inputs[0]!);
    values.add(afterActivation(model, node));
  }
  for (let more = true; more;) {
    more = false;
    for (const node of model.nodes) {
      if (!node.is(...HANDED_ON) || nodes.has(node) || left.has(node.output)) continue;
      const given = node.inputs.filter(
        (name, i) => name !== '' && (i === 0 || (!node.is('Reshape') && model.constant(name) === undefined)),
      );
      if (given.length === 0 || !given.every((name) => values.has(name) && model.flow.makers.has(name)))
        continue;
      if (given.length !== node.inputs.length && node.is('Add', 'Concat')) continue;
      nodes.add(node);
      values.add(afterActivation(model, node));
      more = true;
    }
  }
  return { nodes, values: [...values].filter((name) => model.constant(name) === undefined) };
}

/** Scale and zero point of a value, as the names of constants. */
type Scale = readonly [scale: string, zero: string, value: number];

/**
 * Puts a pair of QuantizeLinear and DequantizeLinear at every value that is to be in eight bits, from which the runtime
 * makes kernels of eight bits; weights by output channel, with a sign.
 * @param ranges of the values
 * @returns how many convolutions and layers
 */
export function quantiseStatically(
  model: Model,
  { nodes, values }: StaticPlan,
  ranges: ReadonlyMap<string, Seen>,
): number {
  const domain = model.opset >= BY_CHANNEL ? '' : MICROSOFT;
  if (domain !== '') model.useMicrosoft();
  const scales = new Map(values.flatMap((name): [string, Scale][] => scaleOf(model, name, ranges.get(name))));
  const made: Node[] = [];
  const pair = (from: string, name: string, to: string): void => {
    const [scale, zero] = scales.get(name)!;
    made.push(
      Node.make('QuantizeLinear', [from, scale, zero], [`${name}/codes`], {}, domain),
      Node.make('DequantizeLinear', [`${name}/codes`, scale, zero], [to], {}, domain),
    );
  };
  // An output keeps its name: what comes before the pair is called otherwise.
  const read = (name: string): string => (scales.has(name) && !model.isSeen(name) ? `${name}/eight` : name);
  for (const name of model.inputs) if (scales.has(name)) pair(name, name, `${name}/eight`);
  let count = 0;
  for (const node of model.nodes) {
    const inputs = node.inputs.map((name) =>
      model.inputs.includes(name) && scales.has(name) ? `${name}/eight` : read(name),
    );
    const input = node.inputs[0] ?? '';
    const own =
      nodes.has(node) && isQuantisable(model, node) && scales.has(input)
        ? weightsOf(model, node, scales.get(input)![2], domain)
        : undefined;
    if (own !== undefined) {
      made.push(...own.nodes);
      inputs.splice(1, inputs.length, ...own.names);
      count++;
    }
    const isSeen = (name: string): boolean => scales.has(name) && model.isSeen(name);
    made.push(
      node.between(
        inputs,
        node.outputs.map((name) => (isSeen(name) ? `${name}/float` : name)),
      ),
    );
    for (const name of node.outputs) {
      if (isSeen(name)) pair(`${name}/float`, name, name);
      else if (scales.has(name)) pair(name, name, `${name}/eight`);
    }
  }
  model.setNodes(made);
  return count;
}

function scaleOf(model: Model, name: string, range: Seen | undefined): [string, Scale][] {
  if (range === undefined) return [];
  // Zero is one of the codes, as padding is of zeros.
  const [low, high] = [Math.min(0, range.low), Math.max(0, range.high)];
  const step = Math.fround((high - low) / 255);
  const value = step > 1e-30 && Number.isFinite(step) ? step : 1;
  const zero = Math.max(0, Math.min(255, roundHalfEven(-low / value)));
  const names = [
    model.make(`${name}/scale`, 'float', [], Float32Array.of(value)),
    model.make(`${name}/zero`, 'uint8', [], Uint8Array.of(zero)),
  ] as const;
  return [[name, [...names, value]]];
}

/** Weights and bias in integers, and what makes numbers of them again. */
function weightsOf(
  model: Model,
  node: Node,
  inputScale: number,
  domain: string,
): { readonly nodes: readonly Node[]; readonly names: readonly string[] } | undefined {
  const [, w = '', b = ''] = node.inputs;
  const weight = model.floats(w)!;
  const axis = node.is('Conv') || node.number('transB', 0) === 1 ? 0 : 1;
  const channels = weight.dims[axis]!;
  const each = weight.count / channels;
  const values = weight.floats();
  const found = codesOf(values, channels, (i) => (axis === 0 ? Math.floor(i / each) : i % channels));
  if (found === undefined) return undefined;
  const { codes, scales } = found;
  const y = node.output;
  const codeNames = [
    model.make(`${w}/codes`, 'int8', weight.dims, codes),
    model.make(`${w}/scales`, 'float', [channels], scales),
    model.make(`${w}/zeros`, 'int8', [channels], new Int8Array(channels)),
  ];
  const nodes = [Node.make('DequantizeLinear', codeNames, [`${y}/weights`], { axis }, domain)];
  if (b === '') return { nodes, names: [`${y}/weights`] };
  const steps = scales.map((scale) => Math.fround(scale * inputScale));
  const bias = model.floats(b)!.floats();
  const whole = Int32Array.from(bias, (value, i) =>
    Math.max(-LARGEST_BIAS, Math.min(LARGEST_BIAS, roundHalfEven(value / steps[i]!))),
  );
  const biasNames = [
    model.make(`${y}/bias_codes`, 'int32', [channels], whole),
    model.make(`${y}/bias_scales`, 'float', [channels], steps),
    model.make(`${y}/bias_zeros`, 'int32', [channels], new Int32Array(channels)),
  ];
  nodes.push(Node.make('DequantizeLinear', biasNames, [`${y}/bias`], { axis: 0 }, domain));
  return { nodes, names: [`${y}/weights`, `${y}/bias`] };
}
