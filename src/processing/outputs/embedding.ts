import { bool, choice, type KeyTable, text } from '../../config/yaml/readers';
import { printShape } from '../../tensors/shape';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { DomainError } from '../../errors/domain-error';
import { declaredType, tensorMeant } from '../declared-type';
import { tokensOf } from '../prepared';
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
    const isPooled = settings.pooling === undefined || settings.pooling === 'none';
    const wanted = settings.from ?? customary(outputs, isPooled ? POOLED : UNPOOLED);
    const output = tensorMeant(wanted, outputs, 'from', fault);
    if (output === undefined) return Promise.resolve(undefined);
    const { shape, datatype } = output;
    const rank = isPooled ? 2 : 3;
    if (shape.length !== rank || (datatype !== 'FP32' && datatype !== 'FP16' && datatype !== 'FP64')) {
      const form =
        rank === 2 ? '[rows, elements] without pooling' : '[rows, positions, elements] with pooling';
      fault(`from: needs floats of shape ${form}, and ${output.name} is ${datatype} ${printShape(shape)}`);
      return Promise.resolve(undefined);
    }
    const { pooling = 'none', normalize } = settings;
    return Promise.resolve({ type: 'embedding', name, from: output.name, pooling, normalize });
  },
});

/** What exporters call a vector for each row, and one for each position. */
const POOLED = ['sentence_embedding', 'text_embeds', 'image_embeds', 'pooler_output'];
const UNPOOLED = ['last_hidden_state', 'token_embeddings'];

/** The output that a model of several must mean; undefined where it has but one, or none of these names. */
function customary(outputs: readonly TensorSpec[], names: readonly string[]): string | undefined {
  if (outputs.length === 1) return undefined;
  return names.find((name) => outputs.some((output) => output.name === name));
}

/** Vectors, FP32 `[rows, elements]`. @throws invalid_request when more dimensions are wanted than there are */
export function finishEmbedding(plan: EmbeddingPlan, { outputs, contexts, options }: Finishing): Tensor[] {
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
    const isPooled = plan.pooling === 'none';
    const { first, count } = isPooled ? { first: 0, count: 1 } : tokensOf(contexts, row, positions);
    const pooled = pool(plan.pooling, values, (row * positions + first) * width, count, width);
    if (options.normalize ?? plan.normalize) normalise(pooled, kept);
    vectors.set(pooled.subarray(0, kept), row * kept);
  }
  return [{ name: plan.name, datatype: 'FP32', shape: [rows, kept], data: vectors }];
}

/** One vector of the `positions` ones that begin at `start`; sums in double. */
function pool(
  pooling: Pooling,
  values: ArrayLike<number>,
  start: number,
  positions: number,
  width: number,
): Float64Array {
  const vector = new Float64Array(width);
  const first = pooling === 'last' ? positions - 1 : 0;
  for (let i = 0; i < width; i++) vector[i] = values[start + first * width + i]!;
  if (pooling !== 'mean' && pooling !== 'max') return vector;
  for (let position = 1; position < positions; position++) {
    const from = start + position * width;
    for (let i = 0; i < width; i++) {
      const value = values[from + i]!;
      if (pooling === 'mean') vector[i]! += value;
      else if (value > vector[i]!) vector[i] = value;
    }
  }
  if (pooling === 'mean') for (let i = 0; i < width; i++) vector[i]! /= positions;
  return vector;
}

/** Makes the first `kept` elements one long; zeros stay zeros. */
function normalise(vector: Float64Array, kept: number): void {
  let square = 0;
  for (let i = 0; i < kept; i++) square += vector[i]! ** 2;
  const length = Math.sqrt(square);
  if (length > 0) for (let i = 0; i < kept; i++) vector[i]! /= length;
}
