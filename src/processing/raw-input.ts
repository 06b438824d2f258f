/** What the pieces of a raw input are; an input type says which of them it takes. */
export type RawMedia = 'image' | 'text' | 'pairs' | 'json' | 'csv';

/** What a request gives for one declared input, before any of it is decoded. */
export interface RawInput {
  /** The declared input's name. */
  readonly name: string;
  readonly media: RawMedia;
  /** One for each picture or text, two for each pair of texts; a table is one, however many rows it has. */
  readonly pieces: readonly RawPiece[];
  /** Was it given as a list? Then it is answered with a list, even of one. */
  readonly isList: boolean;
}

/** Bytes as they came, or a text. */
export type RawPiece = Uint8Array | string;

/** The place of a piece, as errors name it: `Input "image"`, or `Input "image" [2]` in a list. */
export function placeOf({ name, isList }: Pick<RawInput, 'name' | 'isList'>, index: number): string {
  return isList ? `Input "${name}" [${index}]` : `Input "${name}"`;
}

/** About how much memory the pieces take. */
export function rawBytes(raw: readonly RawInput[]): number {
  let bytes = 0;
  for (const { pieces } of raw) {
    for (const piece of pieces) bytes += typeof piece === 'string' ? 2 * piece.length : piece.length;
  }
  return bytes;
}
