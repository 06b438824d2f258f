import { type KeyTable, text } from '../../config/yaml/readers';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { type Finishing, outputNamed } from './output-type';

/** A tensor of the model as it is. */
export interface RawPlan {
  readonly type: 'raw';
  readonly name: string;
  readonly from: string;
}

interface Settings {
  readonly from: string | undefined;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
};

export const RAW = declaredType({
  type: 'raw',
  options: [],
  keys: KEYS,
  assets: () => [],
  bind(name, settings, { outputs }, _assets, fault): Promise<RawPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    return Promise.resolve(output && { type: 'raw', name, from: output.name });
  },
});

export function finishRaw(plan: RawPlan, { outputs }: Finishing): Tensor[] {
  return [{ ...outputNamed(outputs, plan.from), name: plan.name }];
}

/** The values of one row, nested. */
export function printRaw([tensor]: readonly Tensor[], row: number, writer: JsonWriter): void {
  if (tensor === undefined) return;
  const { data, datatype, shape } = tensor;
  const size = elementCount(shape.slice(1));
  const values = Array.isArray(data)
    ? data.slice(row * size, (row + 1) * size)
    : data.subarray(row * size, (row + 1) * size);
  writer.tensorNested(values, datatype, shape.slice(1));
}
