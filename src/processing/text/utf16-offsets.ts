/** From where to where a token lies in its text, in UTF-16 units. */
export type Span = readonly [start: number, end: number];

/** What counts code points, as the tokenizers library does, as UTF-16 units, as JavaScript's strings do. */
export function inUtf16(spans: readonly (readonly number[])[], text: string): Span[] {
  const units = isBasic(text) ? undefined : unitsOf(text);
  const at = (point: number): number => units?.[point] ?? point;
  return spans.map(([start = 0, end = 0]) => [at(start), at(end)]);
}

/** Is every character one unit? */
function isBasic(text: string): boolean {
  return !/[\ud800-\udbff]/.test(text);
}

/** Where each code point begins, and the text ends. */
function unitsOf(text: string): number[] {
  const units: number[] = [];
  let unit = 0;
  for (const character of text) {
    units.push(unit);
    unit += character.length;
  }
  units.push(unit);
  return units;
}
