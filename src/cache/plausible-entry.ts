import { isHollow, shapeFits } from '../tensors/shape';
import type { Tensor, TensorSpec } from '../tensors/tensor';
import type { StoredEntry } from './entry-codec';

/** Clocks of servers that share a Redis may differ by so much. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Which answers a key may have. */
export interface ExpectedAnswer {
  /** The wanted outputs, in the model's order. */
  readonly outputs: readonly TensorSpec[];
}

/**
 * Can this be what the model gave? Whoever can write to Redis decides what is in an entry, but not that it is printed for
 * minutes, breaks a client's code, or is young for ever.
 */
export function isPlausible(
  { outputs, bornAtMs }: StoredEntry,
  expected: ExpectedAnswer,
  nowMs: number,
): boolean {
  if (!(bornAtMs > 0 && bornAtMs <= nowMs + CLOCK_SKEW_MS)) return false;
  if (outputs.length !== expected.outputs.length) return false;
  return expected.outputs.every((spec, i) => isOf(outputs[i]!, spec));
}

function isOf({ name, datatype, shape, data }: Tensor, spec: TensorSpec): boolean {
  if (name !== spec.name || datatype !== spec.datatype || !shapeFits(shape, spec.shape)) return false;
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0) || isHollow(shape)) return false;
  return datatype !== 'BOOL' || !(data as Uint8Array).some((element) => element > 1);
}
