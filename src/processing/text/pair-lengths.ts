/**
 * How many tokens of each text of a pair are kept when both may have `most` together: the longer one gives first, and
 * an odd token is the longer one's, or the second's. The rule is that of the tokenizers library from 0.20 on
 * (`LongestFirst`); its Node binding gives the odd token to the shorter text.
 * https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/utils/truncation.rs
 */
export function longestFirst(
  first: number,
  second: number,
  most: number,
): readonly [first: number, second: number] {
  if (first + second <= most) return [first, second];
  const shorter = Math.min(first, second);
  const half = Math.floor(most / 2);
  const [few, many] = shorter > half ? [half, most - half] : [shorter, most - shorter];
  return first > second ? [many, few] : [few, many];
}
