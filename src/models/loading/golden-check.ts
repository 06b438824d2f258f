import { DomainError } from '../../errors/domain-error';
import { declaredResult, unlikeness } from '../../processing/declared-sample';
import type { ModelProcessing, RawRequest } from '../../processing/model-processing';
import type { TriedRunner } from '../../scheduling/empty-inputs';
import { halfToNumber } from '../../tensors/numbers/float16';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import type { GoldenCase } from '../repository/golden-case';
import { namedInputsOf } from '../../tensors/json/named-inputs';

/** Runs every case. @throws model_unavailable that says which output of which case is off */
export async function checkGoldenCases(
  runner: TriedRunner,
  cases: readonly GoldenCase[],
  processing?: ModelProcessing,
): Promise<void> {
  for (const [i, golden] of cases.entries()) {
    const declared = await processing?.sample(golden.inputs);
    if (processing !== undefined && declared !== undefined) {
      const fault = await declaredFault(runner, golden, processing, declared);
      if (fault !== undefined) throw failed(i, fault);
      continue;
    }
    const actual = await runner.run([namedInputsOf(golden.inputs, runner.inputs)]);
    const wanted = runner.outputs.filter(({ name }) => Object.hasOwn(golden.outputs, name));
    for (const name of Object.keys(golden.outputs)) {
      if (!wanted.some((spec) => spec.name === name)) throw failed(i, `the model has no output "${name}"`);
    }
    for (const expected of namedInputsOf(golden.outputs, wanted)) {
      const found = actual.find(({ name }) => name === expected.name);
      const fault = found === undefined ? 'it is missing' : difference(expected, found, golden.tolerance);
      if (fault !== undefined) throw failed(i, `output "${expected.name}": ${fault}`);
    }
  }
}

/** How the answer to raw inputs differs from what is expected; undefined when it does not. */
async function declaredFault(
  runner: TriedRunner,
  golden: GoldenCase,
  processing: ModelProcessing,
  request: RawRequest,
): Promise<string | undefined> {
  const outputs = await processing.answer(request, { deadlineMs: Infinity }, async (inputs) => ({
    outputs: await runner.run([inputs]),
  }));
  const isList = request.inputs.some((input) => input.isList);
  const result = declaredResult({ plans: processing.pipeline.outputs, outputs, isList });
  for (const [name, expected] of Object.entries(golden.outputs)) {
    if (!Object.hasOwn(result, name)) return `the model declares no output "${name}"`;
    const fault = unlikeness(expected, result[name], golden.tolerance);
    if (fault !== undefined) return `output "${name}": ${fault}`;
  }
  return undefined;
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
