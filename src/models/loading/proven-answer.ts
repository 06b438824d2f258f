import { DomainError, reasonOf } from '../../errors/domain-error';
import type { TriedRunner } from '../../scheduling/empty-inputs';
import { type Datatype, viewOf } from '../../tensors/datatype';
import { madeUp, MOST_MADE_UP_ELEMENTS, type ProbeStyle } from '../../tensors/made-up';
import { elementCount, isSameShape, type Shape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

/** The entry in a model's metadata by which `nestor optimize` tells what it made, and how that was proved. */
export const OPTIMIZED = 'nestor.optimize';

/** An input as it is kept: small ones as they are, in base64; large ones are made again. */
export type ProvenInput = { readonly name: string; readonly datatype: Datatype; readonly shape: Shape } & (
  { readonly base64: string } | { readonly style: ProbeStyle; readonly seed: number }
);

/** What came of it: each `step`-th element of an output of floats. */
export interface ProvenOutput {
  readonly name: string;
  readonly shape: Shape;
  readonly step: number;
  readonly values: readonly number[];
}

export interface Proven {
  readonly inputs: readonly ProvenInput[];
  readonly outputs: readonly ProvenOutput[];
}

/** More inputs than these are made again. */
const MOST_BYTES = 8192;
const MOST_VALUES = 128;
const MOST_OUTPUTS = 8;
/** How far an element may be off, in parts of the largest: another CPU adds in another order. */
const TOLERANCE = 1e-3;

/** An input that can be kept, as similar to a row as that allows. */
export function keepable(row: readonly Tensor[]): { readonly kept: ProvenInput[]; readonly row: Tensor[] } {
  const sizeBytes = row.reduce(
    (sum, { data }) => sum + (Array.isArray(data) ? MOST_BYTES : data.byteLength),
    0,
  );
  const kept = row.map(({ name, datatype, shape, data }, i): ProvenInput => {
    const about = { name, datatype, shape };
    return sizeBytes <= MOST_BYTES && !Array.isArray(data)
      ? { ...about, base64: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }
      : { ...about, style: 'narrow', seed: i };
  });
  return { kept, row: kept.map(tensorOf) };
}

/** What is kept of an answer. */
export function outputsOf(answer: readonly Tensor[]): ProvenOutput[] {
  return answer
    .filter(({ datatype }) => datatype === 'FP32')
    .slice(0, MOST_OUTPUTS)
    .map(({ name, shape, data }) => {
      const step = Math.max(1, Math.ceil(data.length / MOST_VALUES));
      const values = [...(data as Float32Array).filter((_, i) => i % step === 0)];
      return { name, shape, step, values };
    });
}

/**
 * Does what `nestor optimize` made answer here as it did there? Other CPUs have other kernels, some of them wrong for
 * quantised models; and a file may have been changed since.
 * @param record of the model's metadata
 * @throws DomainError `model_unavailable`
 */
export async function checkProven(runner: TriedRunner, record: string): Promise<void> {
  const fault = await faultOf(runner, record).catch((error: unknown) => reasonOf(error));
  if (fault === undefined) return;
  throw new DomainError('model_unavailable', `it does not answer as \`nestor optimize\` proved: ${fault}`);
}

async function faultOf(runner: TriedRunner, record: string): Promise<string | undefined> {
  const { inputs, outputs } = (JSON.parse(record) as { proof: Proven }).proof;
  const answer = await runner.run([inputs.map(tensorOf)]);
  for (const { name, shape, step, values } of outputs) {
    const found = answer.find((output) => output.name === name);
    if (found === undefined || !isSameShape(found.shape, shape)) return `output "${name}" has another shape`;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), Number.MIN_VALUE);
    for (const [i, value] of values.entries()) {
      const got = Number(found.data[i * step]);
      // Not `>`, which a NaN would pass.
      if (Math.abs(got - value) <= TOLERANCE * largest) continue;
      return `output "${name}", element ${i * step}: expected ${value}, got ${got}`;
    }
  }
  return undefined;
}

/** @throws Error for what is none */
function tensorOf(input: ProvenInput): Tensor {
  const { name, datatype, shape } = input;
  const count = elementCount(shape);
  if (!(count <= MOST_MADE_UP_ELEMENTS)) throw new Error('its input is too large');
  if (!('base64' in input))
    return madeUp(input, [...shape], { style: input.style, kind: 'plain', seed: input.seed });
  if (datatype === 'BYTES') throw new Error('its input is of text');
  const bytes = Uint8Array.from(Buffer.from(input.base64, 'base64'));
  return { name, datatype, shape, data: viewOf(datatype, bytes.buffer, 0, count) };
}
