import { decodeText } from '../common/media-type';
import { DomainError } from '../errors/domain-error';

/** What the pieces of a raw input are; an input type says which of them it takes. Bare CSV begins with its first row. */
export type RawMedia = 'image' | 'text' | 'pairs' | 'ids' | 'json' | 'csv' | 'bare-csv';

/** What a request gives for one declared input, before any of it is decoded. */
export interface RawInput {
  /** The declared input's name. */
  readonly name: string;
  readonly media: RawMedia;
  /** One for each picture or text (or its token ids, with spaces between them), two for each pair of texts; a table is one, however many rows it has. */
  readonly pieces: readonly RawPiece[];
  /** The encoding of CSV, as `charsetOf` names it. */
  readonly charset?: string;
  /** Was it given as a list? Then it is answered with a list, even of one. */
  readonly isList: boolean;
}

/** Bytes as they came, or a text. */
export type RawPiece = Uint8Array | string;

/** The place of a piece, as errors name it: `Input "image"`, or `Input "image" [2]` in a list. */
export function placeOf({ name, isList }: Pick<RawInput, 'name' | 'isList'>, index: number): string {
  return isList ? `Input "${name}" [${index}]` : `Input "${name}"`;
}

/**
 * Bytes in base64 of either alphabet, with or without white space; a data URL is such a text, too.
 * @param what names the text in an error
 * @throws invalid_request
 */
export function bytesOfBase64(text: string, what: string): Uint8Array {
  const start = /^data:[\w.+-]+\/[\w.+-]+;base64,/.exec(text.slice(0, 128))?.[0].length ?? 0;
  const digits = start === 0 ? text : text.slice(start);
  if (!/^[A-Za-z0-9+/_\s-]*={0,2}\s*$/.test(digits)) {
    throw new DomainError('invalid_request', `${what} is not base64.`);
  }
  return Buffer.from(digits, 'base64');
}

/**
 * @param charset as `charsetOf` names it; undefined for UTF-8
 * @throws invalid_request, naming the place, for bytes that are no such text
 */
export function textOfBytes(bytes: Uint8Array, place: string, charset?: string): string {
  return decodeText(bytes, charset, (what) => new DomainError('invalid_request', `${place}: ${what}.`));
}

/** About how much memory the pieces take. */
export function rawBytes(raw: readonly RawInput[]): number {
  let bytes = 0;
  for (const { pieces } of raw) {
    for (const piece of pieces) bytes += typeof piece === 'string' ? 2 * piece.length : piece.length;
  }
  return bytes;
}
