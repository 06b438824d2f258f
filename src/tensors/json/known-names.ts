const LONGEST = 32;
const SLOTS = 256;

/** Names met lately, each in the one place that is its. */
const names = new Array<string>(SLOTS).fill('');

/**
 * The text of ASCII bytes that are the name of something. Keys, tensors and datatypes come again and again,
 * and to find a name takes a fifth of the time of making it.
 */
export function nameAt(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0 || length > LONGEST) return bytes.toString('latin1', start, end);
  const slot = (length * 31 + bytes[start]! * 7 + bytes[end - 1]!) % SLOTS;
  const known = names[slot]!;
  if (known.length === length) {
    let i = 0;
    while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
    if (i === length) return known;
  }
  return (names[slot] = bytes.toString('latin1', start, end));
}
