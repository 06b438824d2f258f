/** No word of any language is so long; what is cut there has more tokens than are kept. */
const CHARACTERS_PER_TOKEN = 64;

/** How many UTF-16 units of a text are tokenised at first, so that at least `tokens` come of it as a rule. */
export function firstHead(tokens: number): number {
  return tokens * CHARACTERS_PER_TOKEN;
}

/**
 * The beginning of a text, of at most `length` UTF-16 units: up to a white space where there is one in its second half,
 * and with no character cut in two.
 */
export function headOf(text: string, length: number): string {
  if (text.length <= length) return text;
  for (let end = length; end > length / 2; end--) {
    if (isSpace(text.charCodeAt(end))) return text.slice(0, end);
  }
  return text.slice(0, isLowSurrogate(text.charCodeAt(length)) ? length - 1 : length);
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d) || code === 0xa0 || code === 0x3000;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

/** Where a text has half a surrogate pair, which is no character; undefined when it has none. */
export function loneSurrogate(text: string): number | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdfff) continue;
    if (code > 0xdbff || !isLowSurrogate(text.charCodeAt(i + 1))) return i;
    i++;
  }
  return undefined;
}
