import fc from 'fast-check';
import { ArrayPool } from './array-pool';
import { DATATYPES, type NumericArray, type NumericDatatype } from './datatype';

const KIB = 1024;
const NUMERIC = DATATYPES.filter((datatype): datatype is NumericDatatype => datatype !== 'BYTES');

describe('ArrayPool', () => {
  it('gives arrays and buffers of the size asked for', () => {
    const pool = new ArrayPool(1024 * KIB);
    expect(pool.acquireArray('FP32', 3).length).toBe(3);
    expect(pool.acquireArray('FP32', 27_648).length).toBe(27_648);
    expect(pool.acquireArray('INT64', 1000)).toBeInstanceOf(BigInt64Array);
    expect(pool.acquireBytes(5).length).toBe(5);
    expect(pool.acquireBytes(250_001).length).toBe(250_001);
    expect(pool.acquireArray('FP64', 0).length).toBe(0);
  });

  it('uses released memory again, for another datatype as well', () => {
    const pool = new ArrayPool(1024 * KIB);
    const first = pool.acquireArray('FP32', 2000);
    const { buffer } = first;
    pool.release(first);
    const second = pool.acquireBytes(5000);
    expect(second.buffer).toBe(buffer);
    expect(pool.acquireArray('FP32', 2000).buffer).not.toBe(buffer);
  });

  it('does not pool what is small or beyond its bound', () => {
    const pool = new ArrayPool(64 * KIB);
    for (const size of [0, 1, 2047, 64 * KIB + 1, 1024 * KIB]) pool.release(pool.acquireBytes(size));
    expect(pool.idleBytes).toBe(0);
  });

  it('ignores a second release, also once another has the memory', () => {
    const pool = new ArrayPool(1024 * KIB);
    const stale = pool.acquireArray('FP32', 2000);
    pool.release(stale);
    pool.release(stale);
    const mine = pool.acquireArray('FP32', 2000);
    pool.release(stale);
    expect(pool.acquireArray('FP32', 2000).buffer).not.toBe(mine.buffer);
  });

  it('ignores arrays that it did not give', () => {
    const pool = new ArrayPool(1024 * KIB);
    pool.release(new Float32Array(5000));
    pool.release(Buffer.alloc(5000));
    const given = pool.acquireArray('FP32', 5000);
    pool.release((given as Float32Array).subarray(1));
    pool.release((given as Float32Array).subarray(0));
    expect(pool.idleBytes).toBe(0);
  });

  it('gives up memory of a size that is no longer wanted', () => {
    const pool = new ArrayPool(64 * KIB);
    pool.release(pool.acquireBytes(64 * KIB));
    const small = [pool.acquireBytes(8 * KIB), pool.acquireBytes(8 * KIB)];
    small.forEach((buffer) => pool.release(buffer));
    expect(pool.idleBytes).toBe(16 * KIB);
  });

  it('never gives memory to two at once nor keeps more than its bound', () => {
    const step = fc.record({
      release: fc.boolean(),
      which: fc.nat(),
      datatype: fc.constantFrom(...NUMERIC),
      count: fc.nat({ max: 20_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const pool = new ArrayPool(128 * KIB);
        const inUse: NumericArray[] = [];
        const released: NumericArray[] = [];
        for (const { release, which, datatype, count } of steps) {
          if (release) {
            const [array] = inUse.splice(which % Math.max(inUse.length, 1), 1);
            const again = released[which % Math.max(released.length, 1)];
            for (const one of [array, again]) if (one !== undefined) pool.release(one);
            if (array !== undefined) released.push(array);
          } else {
            inUse.push(pool.acquireArray(datatype, count));
          }
          expect(new Set(inUse.map((array) => array.buffer)).size).toBe(inUse.length);
          expect(pool.idleBytes).toBeLessThanOrEqual(128 * KIB);
        }
      }),
    );
  });
});
