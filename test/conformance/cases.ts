import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onnx } from 'onnx-proto';
import type { Tensor } from '../../src/tensors/tensor';
import { lackOf } from './lacks';
import { readTensor } from './tensor-proto';

const MODEL = 'model.onnx';

/** One set of inputs, and the outputs that belong to them, in the order of the model's. */
export interface DataSet {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** A case of ONNX's backend tests: a model, and what it is to make of some inputs. */
export interface ConformanceCase {
  readonly name: string;
  readonly model: Uint8Array;
  /** What the model needs and the runtime does not have, as docs/open-inference.md says; undefined for nothing. */
  readonly lack: string | undefined;
  /** None where something is lacking. */
  readonly dataSets: readonly DataSet[];
}

/** The cases in a folder: each is a folder with a `model.onnx` and folders `test_data_set_<n>`. */
export function readCases(folder: string): ConformanceCase[] {
  const names = existsSync(join(folder, MODEL)) ? ['.'] : readdirSync(folder).sort();
  const cases = names
    .filter((name) => existsSync(join(folder, name, MODEL)))
    .map((name) => readCase(join(folder, name)));
  if (cases.length === 0) throw new Error(`There is no case in ${folder}.`);
  return cases;
}

function readCase(folder: string): ConformanceCase {
  const model = readFileSync(join(folder, MODEL));
  const proto = onnx.ModelProto.decode(model);
  const { graph } = proto;
  const name = folder.split(/[\\/]/).at(-1) ?? folder;
  const lack = lackOf(proto);
  const sets =
    lack === undefined ? readdirSync(folder).filter((entry) => entry.startsWith('test_data_set_')) : [];
  const constants = new Set(graph?.initializer?.map((initializer) => initializer.name));
  const inputNames = graph?.input?.map((input) => input.name).filter((input) => !constants.has(input)) ?? [];
  const outputNames = graph?.output?.map((output) => output.name) ?? [];
  const dataSets = sets.sort().map((set) => ({
    name: set,
    inputs: readTensors(join(folder, set), 'input', inputNames),
    outputs: readTensors(join(folder, set), 'output', outputNames),
  }));
  return { name, model, lack, dataSets };
}

/** The tensors of the files `<kind>_<n>.pb`, which follow the model's order; not all of them have a name. */
function readTensors(
  folder: string,
  kind: 'input' | 'output',
  names: readonly (string | null | undefined)[],
): Tensor[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  return files.map((_, index) => {
    const name = names[index];
    if (!name) throw new Error(`${folder} has more ${kind}s than the model.`);
    return readTensor(readFileSync(join(folder, `${kind}_${index}.pb`)), name);
  });
}
