import { crc32, deflateSync } from 'node:zlib';
import type { JsonValue } from '../config/yaml/json-value';
import type { InputPlan } from './plans';
import { type CellValue, type ColumnPlan, columnsOf } from './table/table-plan';

const SENTENCE = 'The cat sat on the mat.';
/** Pixels of a side. */
const PICTURE_SIZE = 64;

/** A value of a declared input that is small enough to read, in the form of a request's JSON. */
export function exampleValue(plan: InputPlan): JsonValue {
  switch (plan.type) {
    case 'image':
      return { b64: examplePicture().toString('base64') };
    case 'text':
      return plan.pairs ? { text: SENTENCE, pair: 'Where is the cat?' } : SENTENCE;
    case 'table':
      return Object.fromEntries(columnsOf(plan).map((column) => [column.name, exampleCell(column)]));
  }
}

function exampleCell({ type, values }: ColumnPlan): CellValue {
  const [known] = values ?? [];
  if (known !== undefined) return known;
  return type === 'text' ? 'a' : type === 'boolean' ? false : 1;
}

let picture: Buffer | undefined;

/** A PNG of some hundred bytes: a disc on a ground that grows lighter. */
export function examplePicture(): Buffer {
  picture ??= png(PICTURE_SIZE, (x, y) => {
    const isDisc = (x - 32) ** 2 + (y - 32) ** 2 < 400;
    return isDisc ? [220, 120, 40] : [40, 60 + y * 2, 120 + y];
  });
  return picture;
}

/** https://www.w3.org/TR/png-3/#4Concepts.FormatChunks */
function png(size: number, colorAt: (x: number, y: number) => readonly number[]): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  head.set([8, 2], 8); // bits of a channel; RGB
  const lines = Array.from({ length: size }, (_, y) => [
    0,
    ...Array.from({ length: size }, (__, x) => colorAt(x, y)).flat(),
  ]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(Buffer.from(lines.flat()), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(content.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}
