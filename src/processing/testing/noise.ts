/** The same bytes as `noise` in scripts/pillow_expectations.py. */
export function noise(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  let state = 1;
  for (let i = 0; i < count; i++) {
    // The product may be beyond 2^53; its low 31 bits are those of a product in 32.
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = (state >> 16) & 255;
  }
  return bytes;
}
