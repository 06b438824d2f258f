import type { Model } from '../onnx/model';
import { Node } from '../onnx/node';
import { ELEMENT } from '../onnx/weight';
import { codesOf } from './rounding';

/** Smaller tables are not worth it. */
const LEAST_ELEMENTS = 65_536;

/** Keeps tables of vectors in eight bits, with a scale for each vector. @returns how many look-ups there are */
export function quantiseTables(model: Model): number {
  const done = new Map<string, boolean>();
  const replaced = new Map<Node, readonly Node[]>();
  for (const node of model.nodes) {
    const [name = '', ids = ''] = node.inputs;
    const table =
      node.is('Gather') && node.number('axis', 0) === 0 && !model.isSeen(name)
        ? model.floats(name)
        : undefined;
    if (table === undefined || table.dims.length !== 2 || table.count < LEAST_ELEMENTS) continue;
    // Where something else reads the table, it has to stay, and all of it would be there twice.
    if (model.flow.readers.get(name)?.some((reader) => !reader.is('Gather')) === true) continue;
    const [count = 0, width = 0] = table.dims;
    if (!done.has(name)) {
      const found = codesOf(table.floats(), count, (i) => Math.floor(i / width));
      done.set(name, found !== undefined);
      if (found !== undefined) {
        model.make(`${name}/codes`, 'int8', [count, width], found.codes);
        model.make(`${name}/scales`, 'float', [count, 1], found.scales);
      }
    }
    if (done.get(name) !== true) continue;
    const y = node.output;
    replaced.set(node, [
      Node.make('Gather', [`${name}/codes`, ids], [`${y}/codes`], { axis: 0 }),
      Node.make('Cast', [`${y}/codes`], [`${y}/numbers`], { to: ELEMENT.float }),
      Node.make('Gather', [`${name}/scales`, ids], [`${y}/scales`], { axis: 0 }),
      Node.make('Mul', [`${y}/numbers`, `${y}/scales`], [y]),
    ]);
  }
  model.replace(replaced);
  return replaced.size;
}
