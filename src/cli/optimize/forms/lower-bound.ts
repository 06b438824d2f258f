import type { Model } from '../onnx/model';
import type { Node } from '../onnx/node';

/** GELU's least value is -0.16997. */
const GELU_LEAST = -0.17;
const NEVER_NEGATIVE = new Set(['Relu', 'Softmax', 'Sigmoid', 'HardSigmoid', 'Exp', 'Abs', 'Softplus']);

/** What a value never falls below, as far as the operator that makes it tells; undefined where it does not. */
export function lowerBound(model: Model, name: string): number | undefined {
  const maker = model.flow.makers.get(name);
  if (maker === undefined) return undefined;
  if (maker.domain === '' && NEVER_NEGATIVE.has(maker.operator)) return 0;
  if (maker.operator === 'Gelu' || maker.operator === 'FastGelu') return GELU_LEAST;
  if (maker.is('Clip')) {
    const low = maker.inputs[1] === undefined ? maker.number('min', NaN) : model.scalar(maker.inputs[1]);
    return low === 0 ? 0 : undefined;
  }
  return maker.is('Mul', 'Div') && isGelu(model, maker) ? GELU_LEAST : undefined;
}

/** `x * 0.5 * (1 + erf(x / sqrt(2)))`, in whatever order. */
function isGelu(model: Model, product: Node): boolean {
  const { factor, values } = factorsOf(model, product.output);
  if (values.length !== 2 || Math.abs(factor - 0.5) > 1e-4) return false;
  return [0, 1].some((at) => {
    const share = model.flow.makers.get(values[at]!);
    if (share?.is('Add') !== true || !share.inputs.some((name) => model.scalar(name) === 1)) return false;
    const erf = share.inputs.map((name) => model.flow.makers.get(name)).find((maker) => maker?.is('Erf'));
    const inner = erf === undefined ? undefined : factorsOf(model, erf.inputs[0]!);
    return (
      inner?.values.length === 1 &&
      inner.values[0] === values[1 - at] &&
      Math.abs(inner.factor - Math.SQRT1_2) < 1e-4
    );
  });
}

/** What a value is the product of. */
function factorsOf(model: Model, name: string, depth = 0): { factor: number; values: string[] } {
  const scalar = model.scalar(name);
  if (scalar !== undefined) return { factor: scalar, values: [] };
  const maker = model.flow.makers.get(name);
  const [one = '', other = ''] = maker?.inputs ?? [];
  const divisor = maker?.is('Div') === true ? model.scalar(other) : undefined;
  if (depth > 3 || (maker?.is('Mul') !== true && divisor === undefined)) return { factor: 1, values: [name] };
  const left = factorsOf(model, one, depth + 1);
  if (divisor !== undefined) return { ...left, factor: left.factor / divisor };
  const right = factorsOf(model, other, depth + 1);
  return { factor: left.factor * right.factor, values: [...left.values, ...right.values] };
}
