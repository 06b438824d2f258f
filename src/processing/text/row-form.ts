import type { Encoding } from 'tokenizers';

/** A token that stands in every row, or the place of a text's tokens; the first text is 0, a pair's second 1. */
export type FormPart = { readonly type: number } & ({ readonly id: number } | { readonly text: 0 | 1 });

/** How a model's rows are put together, as `[CLS] $A [SEP] $B [SEP]`. */
export type RowForm = readonly FormPart[];

/**
 * The form that an encoding of short texts shows. Rows are put together by it, and not by the library's own
 * `postProcess`: after `truncate` that one makes a row of each combination of what was cut off both texts of a pair,
 * which takes seconds.
 */
export function formOf(encoding: Encoding): RowForm {
  const ids = encoding.getIds();
  const types = encoding.getTypeIds();
  const parts: FormPart[] = [];
  let last: number | null = null;
  encoding.getSequenceIds().forEach((sequence = null, i) => {
    const type = types[i]!;
    if (sequence === null) parts.push({ id: ids[i]!, type });
    else if (sequence !== last) parts.push({ text: sequence === 0 ? 0 : 1, type });
    last = sequence;
  });
  return parts;
}

/** How many tokens a form adds. */
export function addedTokens(form: RowForm): number {
  return form.filter((part) => 'id' in part).length;
}

/** Of how many texts a form makes a row. */
export function textsOf(form: RowForm): number {
  return form.length - addedTokens(form);
}
