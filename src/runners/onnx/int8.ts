import type { Tensor } from '../../tensors/tensor';
import type { RuntimeSession } from './runtime-session';

const DEPTH = 64;
/** Every product is the largest there is, so that two of them beside each other are more than 16 bits hold. */
const RIGHT = DEPTH * 255 * 127;

/**
 * `y = MatMulInteger(a, b)`: `a` UINT8 [1, 64], `b` INT8 [64, 1] of 127 throughout, `y` INT32 [1, 1]. A model of 159 bytes,
 * as onnx-proto writes it (IR version 8, opset 13).
 */
export const PROBE_MODEL = Buffer.from(
  'CAg6lAEKGAoBYQoBYhIBeSINTWF0TXVsSW50ZWdlchIBcCpLCgJAARADQgFiSkB/f39/f39/f39/f39/f39/f39/f39/f39/f39/' +
    'f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/f39/WhMKAWESDgoMCAISCAoCCAEKAghAYhMKAXkSDgoMCAYSCAoCCAEKAggBQgQKABAN',
  'base64',
);

/**
 * Is a product of eight-bit numbers what it should be on this CPU? Those for x64 without VNNI add two products in 16 bits,
 * where large ones are cut off, and nobody is told: quantised models then answer wrong. The runtime's option for exact
 * products costs the whole gain where they are exact already, so it is for those CPUs alone.
 * @param session of {@link PROBE_MODEL}
 */
export async function isExact(session: RuntimeSession): Promise<boolean> {
  const a: Tensor = {
    name: 'a',
    datatype: 'UINT8',
    shape: [1, DEPTH],
    data: new Uint8Array(DEPTH).fill(255),
  };
  const [y] = await session.run([a]);
  return y?.data[0] === RIGHT;
}

/** Has a model eight-bit products? @param operators of its graph; none where that is not known */
export function mayUseInt8(operators: ReadonlySet<string>): boolean {
  if (operators.size === 0) return true;
  for (const operator of operators) if (/Integer|QLinear|[Qq]uantize|\.Q[A-Z]/.test(operator)) return true;
  return false;
}
