import type { Model } from '../onnx/model';
import { Node } from '../onnx/node';

/** What a weight of a score may be divided by: e^-64 is nothing beside 1 in 24 bits, and still a normal number. */
const LEAST = -64;
const PRODUCTS = ['MatMul', 'Gemm', 'Conv', 'Einsum'];

/**
 * `Softmax(scores + mask)`, and `Softmax(Where(hidden, least, scores))`: what is hidden by -10000 and below, be it
 * -Infinity, has the exponential work on denormal numbers, which CPUs are slow at. No mask goes below -64 then, once for
 * each.
 * @returns how many sums and choices with a mask there are
 */
export function clampMasks(model: Model): number {
  const { makers } = model.flow;
  /** Values that a product of matrices lies before. */
  const computed = new Set<string>();
  for (const node of model.nodes)
    // Masks are cut to the lengths that scores have.
    if (
      PRODUCTS.includes(node.operator) ||
      (!node.is('Shape') && node.inputs.some((name) => computed.has(name)))
    )
      for (const name of node.outputs) computed.add(name);
  const replaced = new Map<Node, Node[]>();
  const clamped = new Map<string, string>();
  const least = (): string => model.make('nestor/least_mask', 'float', [], Float32Array.of(LEAST));
  let count = 0;
  for (const softmax of model.nodes) {
    const add = softmax.is('Softmax') ? makers.get(softmax.inputs[0] ?? '') : undefined;
    if (add?.is('Where') === true && model.onlyReader(add.output) === softmax) {
      const inputs = add.inputs.map((name) => ((model.scalar(name) ?? 0) < LEAST ? least() : name));
      if (inputs.every((name, at) => name === add.inputs[at])) continue;
      replaced.set(add, [add.between(inputs)]);
      count++;
      continue;
    }
    if (add?.is('Add') !== true || replaced.has(add)) continue;
    const mask = add.inputs.find((name) => !computed.has(name));
    const scores = add.inputs.find((name) => name !== mask);
    const maker = mask === undefined ? undefined : makers.get(mask);
    // A constant is a bias.
    if (
      mask === undefined ||
      maker === undefined ||
      maker.is('Constant') ||
      scores === undefined ||
      !computed.has(scores)
    )
      continue;
    if (!clamped.has(mask)) {
      const name = `${mask}/clamped`;
      clamped.set(mask, name);
      replaced.set(maker, [...(replaced.get(maker) ?? [maker]), Node.make('Max', [mask, least()], [name])]);
    }
    replaced.set(add, [add.between(add.inputs.map((name) => (name === mask ? clamped.get(mask)! : name)))]);
    count++;
  }
  model.replace(replaced);
  return count;
}
