import { DomainError } from '../errors/domain-error';

/** The media type in a `Content-Type`, without parameters, in lower case. */
export function mediaTypeOf(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/** What a `Content-Type` says under a name of a parameter, which has no case; undefined where it says nothing. */
export function parameterOf(contentType: string, wanted: string): string | undefined {
  for (const [, name = '', quoted, plain] of contentType.matchAll(PARAMETER)) {
    if (name.toLowerCase() === wanted) return quoted?.replace(/\\(.)/g, '$1') ?? plain?.trimEnd() ?? '';
  }
  return undefined;
}

/** Each piece begins with what the one before cannot end with: a long row of spaces is gone through once. */
const PARAMETER = /;\s*([^\s=;"]{1,64})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"][^;"]*)?)/g;

/**
 * The encoding of a text's bytes, by its name in https://encoding.spec.whatwg.org; undefined for UTF-8, which is meant
 * where nothing is said.
 * @throws unsupported_media_type for a charset that nobody knows here
 */
export function charsetOf(contentType: string | undefined): string | undefined {
  const label = contentType === undefined ? undefined : parameterOf(contentType, 'charset');
  if (label === undefined) return undefined;
  try {
    const { encoding } = new TextDecoder(label);
    return encoding === 'utf-8' ? undefined : encoding;
  } catch {
    const shown = JSON.stringify(label.slice(0, 40));
    throw new DomainError(
      'unsupported_media_type',
      `Content-Type: there is no charset ${shown} here; send UTF-8, or another that https://encoding.spec.whatwg.org has.`,
    );
  }
}

/** Bytes 0x80 to 0x9f of windows-1252, which Node 20 takes for control characters. */
const C1 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ';
const LF = 0x0a;

/**
 * @param charset what `charsetOf` has found
 * @param fault told what is wrong: `line 3 is not UTF-8`
 * @throws what `fault` makes, for bytes that are no text of this charset
 */
export function decodeText(
  bytes: Uint8Array,
  charset: string | undefined,
  fault: (what: string) => Error,
): string {
  const [first, second] = bytes;
  // Of which of the two kinds UTF-16 is, its first character says.
  const isBigEndian = charset === 'utf-16le' && first === 0xfe && second === 0xff;
  const decoder = new TextDecoder(isBigEndian ? 'utf-16be' : charset, { fatal: true });
  try {
    const text = decoder.decode(bytes);
    if (decoder.encoding !== 'windows-1252') return text;
    return text.replace(/[\x80-\x9f]/g, (character) => C1[character.charCodeAt(0) - 0x80]!);
  } catch {
    const name = decoder.encoding.toUpperCase();
    throw fault(
      charset?.startsWith('utf-16') ? `is not ${name}` : `${brokenLine(bytes, decoder)} is not ${name}`,
    );
  }
}

function brokenLine(bytes: Uint8Array, decoder: { decode(bytes: Uint8Array): string }): string {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const end = bytes.indexOf(LF, start) + 1 || bytes.length;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch {
      break;
    }
    start = end;
  }
  return `line ${line}`;
}
