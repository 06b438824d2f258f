import { DomainError } from '../../errors/domain-error';
import type { TriedRunner } from '../../scheduling/empty-inputs';
import { halfToNumber } from '../../tensors/numbers/float16';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import type { GoldenCase } from '../repository/golden-case';
import { sampleFromJson } from './warm-up-inputs';

/** Runs every case. @throws model_unavailable that says which output of which case is off */
export async function checkGoldenCases(runner: TriedRunner, cases: readonly GoldenCase[]): Promise<void> {
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
