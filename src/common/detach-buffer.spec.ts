import { until } from '../../test/helpers/until';
import { detachBuffer } from './detach-buffer';

describe('giveMemoryBack', () => {
  // What takes the memory is not there in the first turns of the event loop.
  beforeAll(() =>
    until('memory is taken', () => {
      const buffer = Buffer.alloc(64 * 1024);
      detachBuffer(buffer);
      return buffer.length === 0;
    }),
  );

  it('empties a buffer that has its memory for itself', () => {
    const buffer = Buffer.alloc(64 * 1024, 1);
    detachBuffer(buffer);
    expect(buffer).toHaveLength(0);
    expect(buffer.buffer.byteLength).toBe(0);
  });

  it('leaves memory alone that others look at, or that is not worth it', () => {
    const memory = Buffer.alloc(64 * 1024, 1);
    detachBuffer(memory.subarray(0, 32 * 1024));
    const small = Buffer.alloc(100, 1);
    detachBuffer(small);
    expect([memory.length, small.length]).toEqual([64 * 1024, 100]);
  });

  it('takes memory after memory without keeping any', () => {
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 2000; i++) detachBuffer(Buffer.alloc(1024 * 1024));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});
