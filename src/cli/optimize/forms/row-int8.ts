import { MICROSOFT, type Model } from '../onnx/model';
import { Node } from '../onnx/node';
import type { Weight } from '../onnx/weight';
import { lowerBound } from './lower-bound';
import { codesOf } from './rounding';

/** A product with less to gain than it costs stays as it is. */
const LEAST_DEPTH = 32;
const LEAST_ELEMENTS = 4096;
/** From here on operators have axes as an input, and dequantise by columns. */
const AXES_AS_INPUT = 18;
const BY_COLUMN = 13;

const LEAST_FACTOR = 1e-3;

/** A product of an activation and weights. */
export interface Product {
  readonly node: Node;
  readonly weight: Weight;
  /** Rows of the weights, as long as a row of the activation; and columns. */
  readonly depth: number;
  readonly columns: number;
  readonly isTransposed: boolean;
  readonly bias: string | undefined;
}

/** How it is to be made. */
export interface RowOptions {
  /** Products, by what they give, that stay as they are. */
  readonly left: ReadonlySet<string>;
  /** The largest magnitude of each column of an activation, as samples have it, by its name. */
  readonly magnitudes: ReadonlyMap<string, Float32Array>;
}

/** Products that can run in eight bits, in the order of the graph. */
export function productsOf(model: Model): Product[] {
  const products = model.nodes.flatMap((node) => productOf(model, node) ?? []);
  // A weight that something else reads as well would be there twice.
  const readers = new Map<string, number>();
  for (const { weight } of products) readers.set(weight.name, (readers.get(weight.name) ?? 0) + 1);
  return products.filter(
    ({ node }) => readers.get(node.inputs[1]!) === model.flow.readers.get(node.inputs[1]!)?.length,
  );
}

function productOf(model: Model, node: Node): Product | undefined {
  if (!node.is('MatMul', 'Gemm') || model.isSeen(node.inputs[1] ?? '')) return undefined;
  const weight = model.floats(node.inputs[1]);
  const [first = 0, second = 0] = weight?.dims ?? [];
  if (weight === undefined || weight.dims.length !== 2 || weight.name !== node.inputs[1]) return undefined;
  const isGemm = node.operator === 'Gemm';
  if (
    isGemm &&
    (node.number('transA', 0) !== 0 || node.number('alpha', 1) !== 1 || node.number('beta', 1) !== 1)
  )
    return undefined;
  const isTransposed = isGemm && node.number('transB', 0) === 1;
  const [depth, columns] = isTransposed ? [second, first] : [first, second];
  if (depth < LEAST_DEPTH || depth * columns < LEAST_ELEMENTS || model.constant(node.inputs[0]) !== undefined)
    return undefined;
  return {
    node,
    weight,
    depth,
    columns,
    isTransposed,
    bias: isGemm ? node.inputs[2] || undefined : undefined,
  };
}

/**
 * Has products run in eight bits, each row of an activation divided by its own largest number first and quantised by a
 * constant scale then: no row can change another. The pattern is of ONNX's own operators; the runtime makes one kernel
 * of it.
 * @returns how many products
 */
export function quantiseRows(model: Model, { left, magnitudes }: RowOptions): number {
  const products = productsOf(model).filter(({ node }) => !left.has(node.output));
  const maker = new RowMaker(model, magnitudes);
  const before = new Map<string, Product[]>();
  for (const product of products) {
    const x = product.node.inputs[0]!;
    before.set(x, [...(before.get(x) ?? []), product]);
  }
  const replaced = new Map<Node, readonly Node[]>();
  let count = 0;
  for (const [x, readers] of before) {
    const activation = maker.activation(x, readers);
    let isFirst = true;
    for (const product of readers) {
      const nodes = maker.product(product, activation);
      if (nodes === undefined) continue;
      // What all of them share comes before the first.
      replaced.set(product.node, isFirst ? [...activation.nodes, ...nodes] : nodes);
      isFirst = false;
      count++;
    }
  }
  model.replace(replaced);
  return count;
}

/** An activation whose rows are quantised. */
interface Activation {
  readonly nodes: readonly Node[];
  /** In eight bits and back, in parts of the row's largest; and that. */
  readonly parts: string;
  readonly largest: string;
  /** By what each of its columns was divided, its weights' rows being multiplied by that. */
  readonly factors: Float32Array | undefined;
  /** What was added to it. */
  readonly shift: number;
}

class RowMaker {
  private readonly domain: string;
  private readonly weights = new Map<string, { codes: Int8Array; scales: Float32Array } | undefined>();

  constructor(
    private readonly model: Model,
    private readonly magnitudes: RowOptions['magnitudes'],
  ) {
    this.domain = model.opset >= BY_COLUMN ? '' : MICROSOFT;
    if (this.domain !== '') model.useMicrosoft();
  }

  activation(x: string, readers: readonly Product[]): Activation {
    const { model } = this;
    const nodes: Node[] = [];
    const add = (operator: string, inputs: string[], output: string, domain = ''): string => {
      nodes.push(Node.make(operator, inputs, [`${x}/${output}`], {}, domain));
      return `${x}/${output}`;
    };
    const least = lowerBound(model, x);
    const shift = least === undefined ? 0 : -least;
    const factors = this.factors(x, readers);
    let z = x;
    if (shift > 0) z = add('Add', [z, this.number(shift)], 'shifted');
    if (factors !== undefined) {
      const inverse = model.make(
        `${x}/smooth`,
        'float',
        [factors.length],
        factors.map((factor) => 1 / factor),
      );
      z = add('Mul', [z, inverse], 'smoothed');
    }
    const high = this.reduce('ReduceMax', z, `${x}/high`, nodes);
    const bounds = [high, this.number(1e-30)];
    if (least === undefined)
      bounds.splice(1, 0, add('Neg', [this.reduce('ReduceMin', z, `${x}/low`, nodes)], 'depth'));
    const largest = add('Max', bounds, 'largest');
    const parts = add('Div', [z, largest], 'parts');
    const [scale, zero] =
      least === undefined ? [this.number(1 / 127), this.zero(128)] : [this.number(1 / 255), this.zero(0)];
    const codes = add('QuantizeLinear', [parts, scale, zero], 'codes', this.domain);
    const back = add('DequantizeLinear', [codes, scale, zero], 'dequantised', this.domain);
    return { nodes, parts: back, largest, factors, shift };
  }

  /** @returns undefined where a weight is no number */
  product(
    { node, depth, columns, weight, isTransposed, bias }: Product,
    activation: Activation,
  ): Node[] | undefined {
    const { domain } = this;
    const { parts, largest, factors, shift } = activation;
    const y = node.output;
    const key = `${weight.name}${isTransposed ? '/transposed' : ''}${factors === undefined ? '' : `/of ${node.inputs[0]}`}`;
    if (!this.weights.has(key))
      this.weights.set(key, this.quantised(key, weight, { depth, columns, isTransposed }, factors));
    const quantised = this.weights.get(key);
    if (quantised === undefined) return undefined;
    const back = Node.make(
      'DequantizeLinear',
      [`${key}/codes`, `${key}/scales`, `${key}/zeros`],
      [`${y}/weights`],
      { axis: 1 },
      domain,
    );
    const nodes = [back, Node.make('MatMul', [parts, `${y}/weights`], [`${y}/product`])];
    const offset = shift > 0 ? this.offset(y, quantised, columns, factors, shift) : undefined;
    const added = [bias, offset].filter((name) => name !== undefined);
    let last = `${y}/product`;
    nodes.push(Node.make('Mul', [last, largest], added.length === 0 ? [y] : [`${y}/whole`]));
    last = `${y}/whole`;
    added.forEach((name, i) => {
      const output = i === added.length - 1 ? y : `${y}/sum`;
      nodes.push(Node.make('Add', [last, name], [output]));
      last = output;
    });
    return nodes;
  }

  /** What was added to the activation, times the weights, taken off again. */
  private offset(
    y: string,
    { codes, scales }: { codes: Int8Array; scales: Float32Array },
    columns: number,
    factors: Float32Array | undefined,
    shift: number,
  ): string {
    const sums = new Float64Array(columns);
    for (let i = 0; i < codes.length; i++)
      sums[i % columns]! += codes[i]! / (factors?.[Math.floor(i / columns)] ?? 1);
    return this.model.make(
      `${y}/offset`,
      'float',
      [columns],
      Float32Array.from(sums, (sum, n) => -shift * scales[n]! * sum),
    );
  }

  /**
   * Columns of an activation that are large make all others of the row coarse; part of it goes into the weights, half of
   * the way (Xiao et al. 2023, SmoothQuant).
   */
  private factors(x: string, readers: readonly Product[]): Float32Array | undefined {
    const magnitudes = this.magnitudes.get(x);
    const [first] = readers;
    if (magnitudes === undefined || first?.depth !== magnitudes.length) return undefined;
    const largest = new Float32Array(first.depth);
    for (const product of readers) {
      const values = product.weight.floats();
      eachWeight(product, (row, _, at) => (largest[row] = Math.max(largest[row]!, Math.abs(values[at]!))));
    }
    return magnitudes.map((magnitude, row) =>
      Math.min(
        1 / LEAST_FACTOR,
        Math.max(LEAST_FACTOR, Math.sqrt(Math.max(magnitude, 1e-5) / Math.max(largest[row]!, 1e-5))),
      ),
    );
  }

  private quantised(
    key: string,
    weight: Weight,
    of: { depth: number; columns: number; isTransposed: boolean },
    factors: Float32Array | undefined,
  ): { codes: Int8Array; scales: Float32Array } | undefined {
    const values = weight.floats();
    const { depth, columns } = of;
    const straight = new Float32Array(values.length);
    eachWeight(
      of,
      (row, column, at) => (straight[row * columns + column] = values[at]! * (factors?.[row] ?? 1)),
    );
    const found = codesOf(straight, columns, (i) => i % columns);
    if (found === undefined) return undefined;
    this.model.make(`${key}/codes`, 'int8', [depth, columns], found.codes);
    this.model.make(`${key}/scales`, 'float', [columns], found.scales);
    this.model.make(`${key}/zeros`, 'int8', [columns], new Int8Array(columns));
    return found;
  }

  private reduce(operator: string, x: string, output: string, nodes: Node[]): string {
    const node =
      this.model.opset >= AXES_AS_INPUT
        ? Node.make(
            operator,
            [x, this.model.make('nestor/last_axis', 'int64', [1], BigInt64Array.of(-1n))],
            [output],
            { keepdims: 1 },
          )
        : Node.make(operator, [x], [output], { axes: [-1], keepdims: 1 });
    nodes.push(node);
    return output;
  }

  private number(value: number): string {
    return this.model.make(`nestor/${value}`, 'float', [], Float32Array.of(value));
  }

  private zero(code: number): string {
    return this.model.make(`nestor/zero_${code}`, 'uint8', [], Uint8Array.of(code));
  }
}

function eachWeight(
  { depth, columns, isTransposed }: { depth: number; columns: number; isTransposed: boolean },
  take: (row: number, column: number, at: number) => void,
): void {
  for (let row = 0; row < depth; row++)
    for (let column = 0; column < columns; column++)
      take(row, column, isTransposed ? column * depth + row : row * columns + column);
}
