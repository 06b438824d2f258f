import type { ErrorFields } from '../../errors/domain-error';

/** A call of an exported pure function on the JSON thread. */
export interface JsonThreadCall {
  readonly id: number;
  readonly module: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type JsonThreadReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | ({ readonly id: number; readonly ok: false } & ErrorFields);

/** The same value with typed arrays of its own, each in memory of its own size. */
export function copied(value: unknown): unknown {
  // A Buffer's own `slice` would share its memory.
  if (Buffer.isBuffer(value)) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice();
  if (Array.isArray(value)) return typeof value[0] === 'object' ? value.map(copied) : value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item)]));
}

/**
 * The memory in a value that may change hands instead of being copied: that of the typed arrays which fill
 * theirs. A small view of a large buffer shares it with others, and is copied.
 */
export function transferable(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    if (buffer instanceof ArrayBuffer && byteLength * 2 > buffer.byteLength) found.add(buffer);
  } else if (Array.isArray(value)) {
    // Strings by the million have nothing to transfer.
    if (typeof value[0] === 'object') for (const item of value) transferable(item, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) transferable(item, found);
  }
  return found;
}
