import { choice, type KeyTable, text } from '../../config/yaml/readers';
import type { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount, printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { declaredType, tensorMeant } from '../declared-type';
import { numbersOf } from './elements';
import { type Finishing, outputNamed } from './output-type';

const ACTIVATIONS = ['sigmoid', 'none'] as const;

/** How well the texts of each pair go together. */
export interface RerankPlan {
  readonly type: 'rerank';
  readonly name: string;
  /** The model's output with one number a row. */
  readonly from: string;
  readonly activation: (typeof ACTIVATIONS)[number];
}

interface Settings {
  readonly from: string | undefined;
  readonly activation: RerankPlan['activation'];
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  activation: { key: 'activation', read: choice(ACTIVATIONS), fallback: 'sigmoid' },
};

export const RERANK = declaredType({
  type: 'rerank',
  options: [],
  keys: KEYS,
  assets: () => [],
  bind(name, { from, activation }, { outputs }, _assets, fault): Promise<RerankPlan | undefined> {
    const output = tensorMeant(from, outputs, 'from', fault);
    if (output === undefined) return Promise.resolve(undefined);
    const { shape, datatype } = output;
    const isScore = shape.length >= 1 && shape.slice(1).every((size) => size === 1 || size === -1);
    if (!isScore || datatype === 'BYTES' || datatype === 'BOOL') {
      fault(`from: needs numbers of shape [rows, 1], and ${output.name} is ${datatype} ${printShape(shape)}`);
      return Promise.resolve(undefined);
    }
    return Promise.resolve({ type: 'rerank', name, from: output.name, activation });
  },
});

/** Scores, FP32 `[rows]`, in the order of the pairs. */
export function finishRerank(plan: RerankPlan, { outputs }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const [rows = 0] = output.shape;
  if (elementCount(output.shape) !== rows) {
    throw new Error(`${output.name} is ${printShape(output.shape)}, and was to have one number a row.`);
  }
  const values = numbersOf(output);
  const scores = Float32Array.from(values, (value) =>
    plan.activation === 'sigmoid' ? 1 / (1 + Math.exp(-value)) : value,
  );
  return [{ name: plan.name, datatype: 'FP32', shape: [rows], data: scores }];
}

/** The number itself. */
export function printRerank([scores]: readonly Tensor[], row: number, writer: JsonWriter): void {
  writer.tensorNested((scores?.data as Float32Array).subarray(row, row + 1), 'FP32', []);
}
