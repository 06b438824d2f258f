import {
  type Field,
  fieldsOf,
  floatField,
  innerOf,
  integerField,
  integerOf,
  integersIn,
  messageField,
  packedField,
  textField,
  textIn,
  textOf,
} from './message';
import { Weight } from './weight';

/** Fields of a NodeProto and of its attributes. */
const NODE = { input: 1, output: 2, name: 3, operator: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = {
  name: 1,
  float: 2,
  integer: 3,
  text: 4,
  tensor: 5,
  graph: 6,
  integers: 8,
  graphs: 11,
  type: 20,
};
const TYPE = { float: 1, integer: 2, text: 3, integers: 7 };

export type Attribute = number | string | readonly number[] | Weight;
/** Numbers of an attribute: a whole one is an integer, unless it is wrapped. */
export type Given = number | string | readonly number[] | { readonly float: number };

/** An operator of a graph. It is never changed, but replaced. */
export class Node {
  readonly operator: string;
  /** Empty for ONNX's own. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Graphs within it, which may use values of the graph around them. */
  readonly bodies: readonly (readonly Field[])[];

  private constructor(readonly fields: readonly Field[]) {
    const all = (number: number): string[] =>
      fields.filter((field) => field.number === number).map((field) => textOf(field));
    this.operator = textIn(fields, NODE.operator);
    const domain = textIn(fields, NODE.domain);
    this.domain = domain === 'ai.onnx' ? '' : domain;
    this.name = textIn(fields, NODE.name);
    this.inputs = all(NODE.input);
    this.outputs = all(NODE.output);
    const attributes = new Map<string, Attribute>();
    const bodies: (readonly Field[])[] = [];
    for (const field of fields) {
      if (field.number !== NODE.attribute) continue;
      const parts = innerOf(field);
      const value = valueOf(parts);
      if (value !== undefined) attributes.set(textIn(parts, ATTRIBUTE.name), value);
      for (const part of parts)
        if (part.number === ATTRIBUTE.graph || part.number === ATTRIBUTE.graphs) bodies.push(innerOf(part));
    }
    this.attributes = attributes;
    this.bodies = bodies;
  }

  static read(bytes: Buffer): Node {
    return new Node(fieldsOf(bytes));
  }

  /** @param attributes its own; one of `domain` names where the operator is from */
  static make(
    operator: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, Given>> = {},
    domain = '',
  ): Node {
    return new Node([
      ...inputs.map((name) => textField(NODE.input, name)),
      ...outputs.map((name) => textField(NODE.output, name)),
      // Names must be unique, as those of values are.
      textField(NODE.name, `${operator}/${outputs[0]}`),
      textField(NODE.operator, operator),
      ...Object.entries(attributes).map(([name, value]) =>
        messageField(NODE.attribute, attributeOf(name, value)),
      ),
      ...(domain === '' ? [] : [textField(NODE.domain, domain)]),
    ]);
  }

  /** The same operator with all its attributes between other values. */
  between(inputs: readonly string[], outputs: readonly string[] = this.outputs): Node {
    return new Node([
      ...inputs.map((name) => textField(NODE.input, name)),
      ...outputs.map((name) => textField(NODE.output, name)),
      ...this.fields.filter(({ number }) => number !== NODE.input && number !== NODE.output),
    ]);
  }

  /** Is it this operator of ONNX's own? */
  is(...operators: readonly string[]): boolean {
    return this.domain === '' && operators.includes(this.operator);
  }

  get output(): string {
    return this.outputs[0] ?? '';
  }

  number(attribute: string, fallback: number): number {
    const value = this.attributes.get(attribute);
    return typeof value === 'number' ? value : fallback;
  }

  numbers(attribute: string): readonly number[] | undefined {
    const value = this.attributes.get(attribute);
    return Array.isArray(value) ? (value as readonly number[]) : undefined;
  }
}

function valueOf(parts: readonly Field[]): Attribute | undefined {
  if (parts.some(({ number }) => number === ATTRIBUTE.integers)) return integersIn(parts, ATTRIBUTE.integers);
  for (const part of parts) {
    if (part.number === ATTRIBUTE.float) return part.bytes?.readFloatLE();
    if (part.number === ATTRIBUTE.integer) return integerOf(part);
    if (part.number === ATTRIBUTE.text) return textOf(part);
    if (part.number === ATTRIBUTE.tensor) return Weight.read(part.bytes ?? Buffer.alloc(0));
  }
  return undefined;
}

function attributeOf(name: string, given: Given): Field[] {
  const fields = [textField(ATTRIBUTE.name, name)];
  if (typeof given === 'string')
    fields.push(textField(ATTRIBUTE.text, given), integerField(ATTRIBUTE.type, TYPE.text));
  else if (typeof given === 'number')
    fields.push(integerField(ATTRIBUTE.integer, given), integerField(ATTRIBUTE.type, TYPE.integer));
  else if ('float' in given)
    fields.push(floatField(ATTRIBUTE.float, given.float), integerField(ATTRIBUTE.type, TYPE.float));
  else fields.push(packedField(ATTRIBUTE.integers, given), integerField(ATTRIBUTE.type, TYPE.integers));
  return fields;
}
