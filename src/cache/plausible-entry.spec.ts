import type { Tensor, TensorSpec } from '../tensors/tensor';
import { isPlausible } from './plausible-entry';

const NOW_MS = 1_800_000_000_000;
const SPECS: readonly TensorSpec[] = [
  { name: 'label', datatype: 'INT64', shape: [-1] },
  { name: 'scores', datatype: 'FP32', shape: [-1, 3] },
];
const LABEL: Tensor = { name: 'label', datatype: 'INT64', shape: [1], data: BigInt64Array.of(2n) };
const SCORES: Tensor = { name: 'scores', datatype: 'FP32', shape: [1, 3], data: Float32Array.of(0, 0, 1) };
const judge = (outputs: readonly Tensor[], bornAtMs = NOW_MS - 1000): boolean =>
  isPlausible({ outputs, bornAtMs }, { outputs: SPECS }, NOW_MS);

describe('an entry from Redis', () => {
  it('is taken as what the model gives, also from a clock that is a little ahead', () => {
    expect(judge([LABEL, SCORES])).toBe(true);
    expect(judge([LABEL, SCORES], NOW_MS + 60_000)).toBe(true);
  });

  it.each<[string, readonly Tensor[]]>([
    ['no outputs', []],
    ['one too few', [LABEL]],
    ['another order', [SCORES, LABEL]],
    ['another name', [LABEL, { ...SCORES, name: 'x' }]],
    ['another datatype', [LABEL, { ...SCORES, datatype: 'FP64', data: new Float64Array(3) }]],
    ['another rank', [LABEL, { ...SCORES, shape: [3] }]],
    ['another declared size', [LABEL, { ...SCORES, shape: [1, 1, 3] }]],
    ['a fraction of a row', [{ ...LABEL, shape: [0.5] }, SCORES]],
    ['less than no rows', [{ ...LABEL, shape: [-1] }, SCORES]],
  ])('is not with %s', (_, outputs) => {
    expect(judge(outputs)).toBe(false);
  });

  it('is not where it hides a huge dimension', () => {
    const specs: readonly TensorSpec[] = [{ name: 'y', datatype: 'FP32', shape: [-1, -1] }];
    const y: Tensor = { name: 'y', datatype: 'FP32', shape: [2_000_000_000, 0], data: new Float32Array(0) };
    expect(isPlausible({ outputs: [y], bornAtMs: NOW_MS }, { outputs: specs }, NOW_MS)).toBe(false);
  });

  it.each([NaN, Infinity, -1, 0, NOW_MS + 3_600_000])('is not with a birth at %d', (bornAtMs) => {
    expect(judge([LABEL, SCORES], bornAtMs)).toBe(false);
  });
});
