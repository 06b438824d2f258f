import { createHash } from 'node:crypto';
import { namedInputsOf } from '../../../tensors/json/named-inputs';
import { madeUp, MOST_MADE_UP_ELEMENTS } from '../../../tensors/made-up';
import { elementCount } from '../../../tensors/shape';
import { halfToNumber } from '../../../tensors/numbers/float16';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import type { RuntimeSession } from '../runtime-session';
import type { Probe } from './prepared';

/** Tried for dynamic dimensions that are not the rows. */
const SIZES = [8, 32, 64, 128, 224, 1];
const STYLES = ['narrow', 'timid'] as const;

/** From those that tell most to those that most models take. */
export function* probes(specs: readonly TensorSpec[], example: Probe | undefined): Iterable<Probe> {
  if (example !== undefined) yield example;
  const isOpen = specs.some(({ shape }) => shape.slice(1).includes(-1));
  for (const style of STYLES) for (const size of isOpen ? SIZES : [1]) yield { style, size };
}

/** @throws when these are no inputs of the model */
function probeInputs(specs: readonly TensorSpec[], probe: Probe): readonly Tensor[] {
  if ('example' in probe) return namedInputsOf(probe.example, specs);
  const { style, size } = probe;
  return specs.map((spec, i) => {
    const shape = spec.shape.map((declared, axis) => (declared >= 0 ? declared : axis === 0 ? 1 : size));
    if (elementCount(shape) > MOST_MADE_UP_ELEMENTS) throw new Error('they are too large to make');
    return madeUp(spec, shape, { style, kind: 'plain', seed: i });
  });
}

/** Runs a probe. @throws whatever the model has against it */
export async function runProbe(session: RuntimeSession, probe: Probe): Promise<readonly Tensor[]> {
  return session.run(probeInputs(session.inputs, probe));
}

/** SHA-256 over names, datatypes, shapes and every bit of some tensors, as hex digits. */
export function answerOf(tensors: readonly Tensor[]): string {
  const hash = createHash('sha256');
  for (const { name, datatype, shape, data } of tensors) {
    hash.update(JSON.stringify([name, datatype, shape]));
    if (Array.isArray(data)) hash.update(JSON.stringify(data));
    else hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Does an answer say anything? One of nothing but infinities, or with a NaN in it, looks alike whatever went wrong. */
export function isTelling(tensors: readonly Tensor[]): boolean {
  return tensors.some(({ data }) => data.length > 0) && tensors.every(isFinite);
}

function isFinite({ data, datatype }: Tensor): boolean {
  if (datatype === 'FP16') return (data as Uint16Array).every((bits) => Number.isFinite(halfToNumber(bits)));
  if (datatype !== 'FP32' && datatype !== 'FP64') return true;
  return (data as Float32Array).every(Number.isFinite);
}
