import { bool, choice, type KeyTable, text } from '../../config/yaml/readers';
import { printShape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { DomainError } from '../../errors/domain-error';
import { declaredType, tensorMeant } from '../declared-type';
import { numbersOf } from './elements';
import { type Finishing, outputNamed } from './output-type';

const POOLINGS = ['none', 'mean', 'cls', 'max', 'last'] as const;
export type Pooling = (typeof POOLINGS)[number];

/** A vector for each row. */
export interface EmbeddingPlan {
  readonly type: 'embedding';
  readonly name: string;
  readonly from: string;
  /** How the vectors of a row's positions become one; `none` where the model has done it. */
  readonly pooling: Pooling;
  /** Is each made one long? */
  readonly normalize: boolean;
}

interface Settings {
  readonly from: string | undefined;
  readonly pooling: Pooling | undefined;
  readonly normalize: boolean;
}

const KEYS: KeyTable<Settings> = {
  from: { key: 'from', read: text(256), fallback: undefined },
  pooling: { key: 'pooling', read: choice(POOLINGS), fallback: undefined },
  normalize: { key: 'normalize', read: bool, fallback: false },
};

export const EMBEDDING = declaredType({
  type: 'embedding',
  options: ['normalize', 'dimensions'],
  keys: KEYS,
  assets: () => [],
  bind(name, settings, { outputs }, _assets, fault): Promise<EmbeddingPlan | undefined> {
    const output = tensorMeant(settings.from, outputs, 'from', fault);
    if (output === undefined) return Promise.resolve(undefined);
    const { shape, datatype } = output;
    const rank = settings.pooling === undefined || settings.pooling === 'none' ? 2 : 3;
    if (shape.length !== rank || (datatype !== 'FP32' && datatype !== 'FP16' && datatype !== 'FP64')) {
      const wanted =
        rank === 2 ? '[rows, elements] without pooling' : '[rows, positions, elements] with pooling';
      fault(`from: needs floats of shape ${wanted}, and ${output.name} is ${datatype} ${printShape(shape)}`);
      return Promise.resolve(undefined);
    }
    const { pooling = 'none', normalize } = settings;
    return Promise.resolve({ type: 'embedding', name, from: output.name, pooling, normalize });
  },
});

/** Vectors, FP32 `[rows, elements]`. @throws invalid_request when more dimensions are wanted than there are */
export function finishEmbedding(plan: EmbeddingPlan, { outputs, options }: Finishing): Tensor[] {
  const output = outputNamed(outputs, plan.from);
  const values = numbersOf(output);
  const [rows = 0] = output.shape;
  const width = output.shape.at(-1) ?? 0;
  const positions = plan.pooling === 'none' ? 1 : (output.shape[1] ?? 0);
  const kept = options.dimensions ?? width;
  if (kept > width) {
    throw new DomainError('invalid_request', `"dimensions" must be at most ${width}, which the model has.`);
  }
  const vectors = new Float32Array(rows * kept);
  for (let row = 0; row < rows; row++) {
    const pooled = pool(plan.pooling, values, row * positions * width, positions, width);
    if (options.normalize ?? plan.normalize) normalise(pooled, kept);
    vectors.set(pooled.subarray(0, kept), row * kept);
  }
  return [{ name: plan.name, datatype: 'FP32', shape: [rows, kept], data: vectors }];
}

/** One vector of `positions` ones that begin at `start`; sums in double. */
function pool(
  pooling: Pooling,
  values: ArrayLike<number>,
  start: number,
  positions: number,
  width: number,
): Float64Array {
  const vector = new Float64Array(width);
  const only = pooling === 'last' ? positions - 1 : 0;
  for (let i = 0; i < width; i++) {
    if (pooling !== 'mean' && pooling !== 'max') {
      vector[i] = values[start + only * width + i]!;
      continue;
    }
    let sum = 0;
    let most = -Infinity;
    for (let position = 0; position < positions; position++) {
      const value = values[start + position * width + i]!;
      sum += value;
      if (value > most) most = value;
    }
    vector[i] = pooling === 'mean' ? sum / positions : most;
  }
  return vector;
}

/** Makes the first `kept` elements one long; zeros stay zeros. */
function normalise(vector: Float64Array, kept: number): void {
  let square = 0;
  for (let i = 0; i < kept; i++) square += vector[i]! ** 2;
  const length = Math.sqrt(square);
  if (length > 0) for (let i = 0; i < kept; i++) vector[i]! /= length;
}
