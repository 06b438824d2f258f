import type { Tensor } from '../../tensors/tensor';
import { accuracyOf } from './accuracy';
import type { Row } from './rows';

function output(shape: readonly number[], values: readonly number[]): Tensor[] {
  return [{ name: 'y', datatype: 'FP32', shape, data: Float32Array.from(values) }];
}

const ROW: Row = [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: Float32Array.of(0) }];
const NOTHING = { declared: new Map(), side: 'right' as const };

describe('accuracyOf', () => {
  it('counts where another class is the largest, and how sure the original was', () => {
    const ours = [
      output([1, 3], [0.5, 0.3, 0.2]),
      output([1, 3], [0.34, 0.33, 0.33]),
      output([1, 3], [0.1, 0.1, 0.8]),
    ];
    const theirs = [
      output([1, 3], [0.6, 0.2, 0.2]),
      output([1, 3], [0.33, 0.34, 0.33]),
      output([1, 3], [0.5, 0, 0.5]),
    ];
    const found = accuracyOf([ROW, ROW, ROW], ours, theirs, NOTHING);
    expect(found.top1).toBeCloseTo(1 / 3);
    expect(found.top1Sure).toBeCloseTo(1 / 2);
    expect(found.flippedMargin).toBeCloseTo(0.7);
  });

  it('makes probabilities of scores before it says how sure that is', () => {
    const found = accuracyOf([ROW], [output([1, 2], [10, 9.99])], [output([1, 2], [9, 10])], NOTHING);
    expect(found).toMatchObject({ top1: 0 });
    expect(found.flippedMargin).toBeLessThan(0.01);
    expect(found.top1Sure).toBeUndefined();
  });

  it('takes the mean of the vectors of what is real, whatever lies behind a row', () => {
    const mask = (...real: number[]): Row => [
      {
        name: 'attention_mask',
        datatype: 'INT64',
        shape: [1, real.length],
        data: BigInt64Array.from(real, BigInt),
      },
    ];
    const ours = [output([1, 3, 2], [1, 0, 3, 0, 9, 9])];
    const theirs = [output([1, 3, 2], [2, 0, 2, 0, -5, 7])];
    expect(accuracyOf([mask(1, 1)], ours, theirs, NOTHING).maxRelative).toBe(0);
    expect(accuracyOf([mask(1, 1, 1)], ours, theirs, NOTHING).maxRelative).toBeGreaterThan(0.1);
    expect(accuracyOf([mask(1, 1, 0)], ours, theirs, NOTHING).maxRelative).toBe(0);
  });

  it('takes those behind what is put before a row where the model pads on the left', () => {
    const mask: Row = [{ name: 'mask', datatype: 'INT64', shape: [1, 2], data: BigInt64Array.of(1n, 1n) }];
    const ours = [output([1, 3, 2], [9, 9, 1, 0, 3, 0])];
    const theirs = [output([1, 3, 2], [-5, 7, 2, 0, 2, 0])];
    for (const kind of ['vector', 'steps'] as const) {
      const nature = { declared: new Map([['y', kind]]), side: 'left' as const };
      expect(accuracyOf([mask], ours, theirs, nature).maxRelative).toBeCloseTo(kind === 'vector' ? 0 : 1 / 3);
      expect(
        accuracyOf(
          [mask],
          ours,
          ours.map(([y]) => [{ ...y!, data: (y!.data as Float32Array).with(0, 7) }]),
          nature,
        ),
      ).toMatchObject({ maxRelative: 0 });
    }
  });

  it('looks for the nearest neighbour of each vector', () => {
    const angles = [0, 0.1, 1, 1.1, 2, 2.1, 3, 3.1];
    const vectors = (turned: number): Tensor[][] =>
      angles.map((angle, i) =>
        output(
          [1, 4],
          [Math.cos(angle + (i === 0 ? turned : 0)), Math.sin(angle + (i === 0 ? turned : 0)), 0, 0],
        ),
      );
    const rows = angles.map(() => ROW);
    const declared = new Map([['y', 'vector' as const]]);
    expect(accuracyOf(rows, vectors(0), vectors(0), { ...NOTHING, declared })).toMatchObject({
      cos: 1,
      nearest: 1,
      spearman: 1,
    });
    expect(accuracyOf(rows, vectors(0), vectors(2.5), { ...NOTHING, declared }).nearest).toBe(6 / 8);
  });

  it('asks no direction of a row of next to nothing', () => {
    const rows = [ROW, ROW];
    const much = output([1, 4], [1, 2, 3, 4]);
    const [ours, theirs] = [
      [1e-6, 0, 0, 0],
      [0, 1e-6, 0, 0],
    ].map((values) => [much, output([1, 4], values)]);
    const declared = new Map([['y', 'vector' as const]]);
    expect(accuracyOf(rows, ours!, theirs!, { ...NOTHING, declared }).cosMin).toBe(1);
    const more = [much, output([1, 4], [0, 1, 0, 0])];
    expect(accuracyOf(rows, ours!, more, { ...NOTHING, declared }).cosMin).toBe(0);
  });

  it('says that a number is none any more, and holds single numbers together', () => {
    const wrong = accuracyOf(
      [ROW],
      [output([1, 4], [1, 2, 3, 4])],
      [output([1, 4], [1, 2, NaN, 4])],
      NOTHING,
    );
    expect([wrong.cos, wrong.maxRelative]).toEqual([NaN, NaN]);
    const single = [1, -2, 3].map((value) => output([1, 1], [value]));
    expect(accuracyOf([ROW, ROW, ROW], single, single, NOTHING)).toMatchObject({ cos: 1, maxRelative: 0 });
  });
});
