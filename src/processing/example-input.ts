import type { JsonValue } from '../config/yaml/json-value';
import { pngOf } from './images/png';
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
function examplePicture(): Buffer {
  if (picture !== undefined) return picture;
  const places = Array.from({ length: PICTURE_SIZE }, (_, at) => at);
  const colorAt = (x: number, y: number): readonly number[] => {
    const isDisc = (x - 32) ** 2 + (y - 32) ** 2 < 400;
    return isDisc ? [220, 120, 40] : [40, 60 + y * 2, 120 + y];
  };
  const lines = places.map((y) => [0, ...places.flatMap((x) => colorAt(x, y))]);
  return (picture = pngOf('rgb8', PICTURE_SIZE, PICTURE_SIZE, Uint8Array.from(lines.flat())));
}
