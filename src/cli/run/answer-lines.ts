import { isTensor, type LocalTensor } from '../../inference/local-values';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Datatype, TensorData } from '../../tensors/datatype';
import { elementCount } from '../../tensors/shape';
import type { Inputs } from './target';

type OutputTensor = LocalTensor & { readonly datatype: Datatype };

/** Outputs of some rows as lines of JSON, an object with the row's value of each output. */
export function rowLines(outputs: Inputs, rows: number): Buffer {
  const entries = Object.entries(outputs);
  for (const [name, output] of entries) {
    const found = isTensor(output) ? output.shape[0] : Array.isArray(output) ? output.length : undefined;
    if (found !== rows) throw new Error(`The answer to ${rows} rows is not of so many in output "${name}".`);
  }
  return entries.every(([, output]) => isTensor(output))
    ? tensorLines(entries as [string, OutputTensor][], rows)
    : valueLines(entries as [string, unknown[]][], rows);
}

/** Outputs of a request that is one by itself, in a line. */
export function answerLine(outputs: Inputs): Buffer {
  return Buffer.from(`${JSON.stringify(outputs)}\n`);
}

function tensorLines(outputs: readonly [string, OutputTensor][], rows: number): Buffer {
  const writer = new JsonWriter();
  const columns = outputs.map(([name, { data, datatype, shape }]) => {
    const ofRow = shape.slice(1);
    return { name, data, datatype, ofRow, size: elementCount(ofRow) };
  });
  for (let row = 0; row < rows; row++) {
    let separator = '{';
    for (const { name, data, datatype, ofRow, size } of columns) {
      writer.raw(separator);
      writer.string(name);
      writer.raw(':');
      writer.tensorNested(elements(data, row * size, size), datatype, ofRow);
      separator = ',';
    }
    writer.raw('}\n');
  }
  return writer.finish();
}

function valueLines(outputs: readonly [string, unknown[]][], rows: number): Buffer {
  const heads = outputs.map(([name], i) => `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`);
  const lines = Array.from({ length: rows }, (_, row) => {
    const members = outputs.map(([, values], i) => heads[i]! + JSON.stringify(values[row]));
    return `${members.join('')}}\n`;
  });
  return Buffer.from(lines.join(''));
}

function elements(data: TensorData, start: number, count: number): TensorData {
  return Array.isArray(data) ? data.slice(start, start + count) : data.subarray(start, start + count);
}
