import { DomainError } from '../../../errors/domain-error';
import { JsonWriter } from '../../../tensors/json/json-writer';
import type { Tensor, TensorSpec } from '../../../tensors/tensor';
import type { JsonObject, JsonValue } from '../../../config/yaml/json-value';

/** How an input is written: as nested arrays, as a flat one, as its only element, or its shape. */
const FORMS = ['nested', 'flat', 'item', 'shape'] as const;
type Form = (typeof FORMS)[number];

/** A template, its places found. */
type Node =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'literal'; readonly json: string }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'object'; readonly entries: readonly (readonly [key: string, Node])[] }
  | { readonly kind: 'input'; readonly index: number; readonly form: Form }
  | { readonly kind: 'rows'; readonly row: Node };

export type RequestTemplate = Node;

/** What a mapping's only key says, when an array is to have an element for each row. */
const ROWS = '$rows';

/**
 * Finds the places of a template: the texts `$name`, `$name.flat`, `$name.item` and `$name.shape`, and the mapping
 * `{ $rows: ... }`, an array with one such element for each row. A text that begins with a dollar writes `$$`.
 * @param faults gets what is wrong with it
 */
export function compileTemplate(
  template: JsonValue,
  inputs: readonly TensorSpec[],
  faults: string[],
): RequestTemplate {
  const used = new Set<number>();
  const root = compile(template, false);
  inputs.forEach(({ name }, i) => {
    if (!used.has(i)) faults.push(`it has no place for the input "${name}"; write "$${name}"`);
  });
  return root;

  function compile(value: JsonValue, inRow: boolean): Node {
    if (typeof value === 'string')
      return value.startsWith('$') ? place(value) : { kind: 'string', text: value };
    if (typeof value !== 'object' || value === null) return { kind: 'literal', json: String(value) };
    if (Array.isArray(value)) {
      return { kind: 'array', items: (value as readonly JsonValue[]).map((item) => compile(item, inRow)) };
    }
    const entries = Object.entries(value as JsonObject);
    if (entries.length !== 1 || entries[0]![0] !== ROWS) {
      return { kind: 'object', entries: entries.map(([key, item]) => [key, compile(item, inRow)]) };
    }
    if (inRow) faults.push(`it has ${ROWS} within ${ROWS}`);
    return { kind: 'rows', row: compile(entries[0]![1], true) };
  }

  function place(text: string): Node {
    if (text.startsWith('$$')) return { kind: 'string', text: text.slice(1) };
    const name = text.slice(1);
    for (const form of FORMS) {
      const wanted =
        form === 'nested' ? name : name.endsWith(`.${form}`) ? name.slice(0, -form.length - 1) : undefined;
      const index = inputs.findIndex((input) => input.name === wanted);
      if (index === -1) continue;
      used.add(index);
      return { kind: 'input', index, form };
    }
    faults.push(`it has a place "${text}" that is no input; a text that begins with a dollar writes $$`);
    return { kind: 'literal', json: 'null' };
  }
}

/**
 * The body for these inputs, which are in the order of those that the template was compiled for.
 * @throws DomainError `shape_mismatch` for `$name.item` of an input that has not exactly one element, and for
 *   `$rows` of inputs that have not equally many
 */
export function renderTemplate(template: RequestTemplate, inputs: readonly Tensor[]): Buffer {
  const writer = new JsonWriter();
  render(writer, template, inputs);
  return writer.finish();
}

function render(writer: JsonWriter, node: Node, inputs: readonly Tensor[]): void {
  switch (node.kind) {
    case 'string':
      writer.string(node.text);
      return;
    case 'literal':
      writer.raw(node.json);
      return;
    case 'array':
      list(writer, '[', node.items, ']', (item) => render(writer, item, inputs));
      return;
    case 'object':
      list(writer, '{', node.entries, '}', ([key, value]) => {
        writer.string(key);
        writer.raw(':');
        render(writer, value, inputs);
      });
      return;
    case 'rows':
      list(writer, '[', rowsOf(inputs), ']', (row) => render(writer, node.row, row));
      return;
    case 'input':
      renderInput(writer, inputs[node.index]!, node.form);
  }
}

function renderInput(writer: JsonWriter, { name, datatype, shape, data }: Tensor, form: Form): void {
  if (form === 'shape') {
    writer.raw(`[${shape.join(',')}]`);
  } else if (form === 'flat') {
    writer.tensorFlat(data, datatype, data.length);
  } else if (form === 'nested') {
    writer.tensorNested(data, datatype, shape);
  } else {
    if (data.length !== 1) throw mismatch(`Input "${name}": one element is wanted, not ${data.length}.`);
    writer.tensorNested(data, datatype, []);
  }
}

/** The inputs of each row, without their leading dimension; a scalar is the same in each. */
function rowsOf(inputs: readonly Tensor[]): Tensor[][] {
  const rows = inputs.find(({ shape }) => shape.length > 0)?.shape[0] ?? 1;
  const odd = inputs.find(({ shape }) => shape.length > 0 && shape[0] !== rows);
  if (odd !== undefined) throw mismatch(`Input "${odd.name}": ${odd.shape[0]} rows instead of ${rows}.`);
  return Array.from({ length: rows }, (_, row) => inputs.map((input) => rowOf(input, row, rows)));
}

function rowOf(input: Tensor, row: number, rows: number): Tensor {
  const { shape, data } = input;
  if (shape.length === 0) return input;
  const size = data.length / rows;
  const from = row * size;
  const own = Array.isArray(data) ? data.slice(from, from + size) : data.subarray(from, from + size);
  return { ...input, shape: shape.slice(1), data: own };
}

function list<T>(
  writer: JsonWriter,
  open: string,
  items: readonly T[],
  close: string,
  write: (item: T) => void,
): void {
  writer.raw(open);
  items.forEach((item, i) => {
    if (i > 0) writer.raw(',');
    write(item);
  });
  writer.raw(close);
}

function mismatch(message: string): DomainError {
  return new DomainError('shape_mismatch', message);
}
