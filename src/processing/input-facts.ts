import type { Tensor } from '../tensors/tensor';
import type { InputContext } from './prepared';

/** How many tokens each text has, INT32 `[rows]`: `<input>.tokens`. */
const TOKENS = '.tokens';
/** Was it cut? BOOL `[rows]`: `<input>.truncated`. */
const TRUNCATED = '.truncated';

/** What an answer tells of its texts besides its outputs, as tensors, so that a cache keeps it with them. */
export function inputFacts(contexts: readonly InputContext[]): Tensor[] {
  return contexts.flatMap((context): Tensor[] => {
    if (context.type !== 'text') return [];
    const { name, lengths, isTruncated } = context;
    const shape = [lengths.length];
    return [
      { name: name + TOKENS, datatype: 'INT32', shape, data: Int32Array.from(lengths) },
      { name: name + TRUNCATED, datatype: 'BOOL', shape, data: Uint8Array.from(isTruncated, Number) },
    ];
  });
}

/** The outputs themselves. */
export function withoutFacts(
  tensors: readonly Tensor[],
  inputs: readonly { readonly name: string }[],
): Tensor[] {
  const facts = new Set(inputs.flatMap(({ name }) => [name + TOKENS, name + TRUNCATED]));
  return tensors.filter(({ name }) => !facts.has(name));
}

/** Tokens of all texts of an answer. */
export function tokenCount(tensors: readonly Tensor[]): number {
  let sum = 0;
  for (const { name, data } of tensors) {
    if (name.endsWith(TOKENS) && data instanceof Int32Array) for (const count of data) sum += count;
  }
  return sum;
}

/** Was a text of an answer cut? */
export function anyTruncated(tensors: readonly Tensor[]): boolean {
  return tensors.some(
    ({ name, datatype, data }) =>
      name.endsWith(TRUNCATED) && datatype === 'BOOL' && (data as Uint8Array).includes(1),
  );
}
