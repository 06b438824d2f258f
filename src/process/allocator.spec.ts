import { allocatorSettings } from './allocator';

describe('allocatorSettings', () => {
  it('has the C library give back what a load has freed', () => {
    expect(allocatorSettings({})).toEqual({ MALLOC_MMAP_THRESHOLD_: '1048576' });
    expect(allocatorSettings({ LD_PRELOAD: 'libkeepalive.so' })).toHaveProperty('MALLOC_MMAP_THRESHOLD_');
  });

  it.each([
    { LD_PRELOAD: 'libjemalloc.so.2' },
    { LD_PRELOAD: '/usr/lib/libtcmalloc_minimal.so.4' },
    { MALLOC_MMAP_THRESHOLD_: '65536' },
    { GLIBC_TUNABLES: 'glibc.malloc.mmap_threshold=65536' },
  ])('leaves alone who has chosen otherwise: %j', (env) => {
    expect(allocatorSettings(env)).toEqual({});
  });
});
