import { DomainError } from '../../errors/domain-error';
import { halfToNumber } from '../../tensors/numbers/float16';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { inputs, type KeyTable, listOf, mapping, number, type Reader } from '../../config/yaml/readers';
import { sampleFromJson } from '../loading/warm-up-inputs';
import type { ModelRunner } from '../../runners/runner';
import type { JsonObject } from '../../config/yaml/yaml-mapping';

/** What a model must answer before a version of it serves, in the form of the native API. */
export interface GoldenCase {
  readonly inputs: JsonObject;
  /** Outputs that are not named may be anything. */
  readonly outputs: JsonObject;
  /** How far a number may be off, absolute and relative to the expected one. */
  readonly tolerance: number;
}

const MAX_CASES = 64;

const KEYS: KeyTable<GoldenCase> = {
  inputs: { key: 'inputs', read: inputs, fallback: {} },
  outputs: { key: 'outputs', read: inputs, fallback: {} },
  tolerance: { key: 'tolerance', read: number(0, 1e6, 'inclusive'), fallback: 1e-4 },
};

export const goldenCases: Reader<readonly GoldenCase[]> = listOf(mapping(KEYS), MAX_CASES);

/** Runs every case. @throws model_unavailable that says which output of which case is off */
export async function checkGoldenCases(runner: ModelRunner, cases: readonly GoldenCase[]): Promise<void> {
  for (const [i, golden] of cases.entries()) {
    const actual = await runner.run([sampleFromJson(golden.inputs, runner.inputs)]);
    const wanted = runner.outputs.filter(({ name }) => Object.hasOwn(golden.outputs, name));
    for (const name of Object.keys(golden.outputs)) {
      if (!wanted.some((spec) => spec.name === name)) throw failed(i, `the model has no output "${name}"`);
    }
    for (const expected of sampleFromJson(golden.outputs, wanted)) {
      const found = actual.find(({ name }) => name === expected.name);
      const fault = found === undefined ? 'it is missing' : difference(expected, found, golden.tolerance);
      if (fault !== undefined) throw failed(i, `output "${expected.name}": ${fault}`);
    }
  }
}

function failed(index: number, fault: string): DomainError {
  return new DomainError('model_unavailable', `golden case ${index + 1} fails: ${fault}`);
}

/** Where two tensors differ by more than the tolerance; undefined when they do not. */
function difference(expected: Tensor, actual: Tensor, tolerance: number): string | undefined {
  if (printShape(expected.shape) !== printShape(actual.shape)) {
    return `expected shape ${printShape(expected.shape)}, got ${printShape(actual.shape)}`;
  }
  for (let i = 0; i < elementCount(expected.shape); i++) {
    const wanted = valueAt(expected, i);
    const got = valueAt(actual, i);
    if (Object.is(wanted, got)) continue;
    const near =
      typeof wanted === 'number' &&
      typeof got === 'number' &&
      Math.abs(wanted - got) <= tolerance + tolerance * Math.abs(wanted);
    if (!near) return `element ${i}: expected ${String(wanted)}, got ${String(got)}`;
  }
  return undefined;
}

function valueAt({ datatype, data }: Tensor, i: number): number | bigint | string | undefined {
  const value = data[i];
  return datatype === 'FP16' && typeof value === 'number' ? halfToNumber(value) : value;
}
