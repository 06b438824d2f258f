import type { Datatype } from '../tensors/datatype';

/** What the types of a model are made of: its entry in the list of models. */
export interface TypedModel {
  readonly name: string;
  readonly description?: string | null;
  /** Missing while the model is not loaded. */
  readonly inputs?: readonly TypedTensor[] | null;
  readonly outputs?: readonly TypedTensor[] | null;
  /** What it declares of pictures, texts and rows. */
  readonly pipeline?: TypedPipeline | null;
}

interface TypedPipeline {
  readonly input: Readonly<Record<string, Declared>>;
  readonly output: Readonly<Record<string, Declared>>;
}

/** A type, and the keys of its declaration: `{type: 'table', columns: {value: [...], from: '...'}}`. */
interface Declared {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface TypedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1: any size. */
  readonly shape: readonly number[];
}

const HEAD = `/** A number of a floating-point tensor: JSON has no literal for the last three. */
export type Float = number | 'NaN' | 'Infinity' | '-Infinity';
/** A 64-bit integer; beyond 2^53 it travels as decimal digits. */
export type Int64 = number | string;
/** The bytes of a JPEG, PNG, WebP, GIF, TIFF or AVIF file, or these in base64. */
export type Picture = Uint8Array | { readonly b64: string };
/** A value of a table; null where there is none. */
export type Cell = number | string | boolean | null;
export type Label = { label: string; score: Float };
`;

/** The text of a TypeScript module with an interface `Models`. */
export function modelTypes(models: readonly TypedModel[], source: string): string {
  const entries = [...models].sort((a, b) => (a.name < b.name ? -1 : 1)).map(entryOf);
  return [
    `// Made by \`nestor types\` from ${JSON.stringify(source)}; made anew, not edited.`,
    HEAD,
    'export interface Models {',
    ...entries,
    '}',
    '',
  ].join('\n');
}

function entryOf({ name, description, inputs, outputs, pipeline }: TypedModel): string {
  const lines = [
    `  ${keyOf(name)}: {`,
    ...fields('inputs', inputs),
    ...fields('outputs', outputs),
    ...(pipeline ? declaredFields(pipeline, outputs ?? []) : []),
    '  };',
  ];
  if (description) lines.unshift(`  /** ${comment(description)} */`);
  return lines.join('\n');
}

/** One picture, text or row each; a call may have a list in place of each. */
function declaredFields({ input, output }: TypedPipeline, tensors: readonly TypedTensor[]): string[] {
  const inputs = Object.entries(input);
  if (inputs.length === 0) return [];
  const outputs = Object.entries(output).map(([name, declared]) => [name, declaredOutput(declared)] as const);
  // Where no answer is declared, it is the model's own outputs, row by row.
  const rows = tensors.map(
    ({ name, datatype, shape }) =>
      [name, typeOf(datatype) + '[]'.repeat(Math.max(0, shape.length - 1))] as const,
  );
  const members = (entries: readonly (readonly [string, string])[]): string =>
    entries.map(([name, type]) => `${keyOf(name)}: ${type}`).join('; ');
  return [
    '    declared: {',
    `      inputs: { ${members(inputs.map(([name, declared]) => [name, declaredInput(declared)]))} };`,
    `      outputs: { ${members(outputs.length > 0 ? outputs : rows)} };`,
    '    };',
  ];
}

function declaredInput({ type, columns, pairs }: Declared): string {
  if (type === 'image') return 'Picture';
  if (type === 'text') return valueOf(pairs) === true ? '{ text: string; pair: string }' : 'string';
  const value = valueOf(columns);
  const names = Array.isArray(value) ? (value as readonly string[]) : Object.keys(value ?? {});
  return names.length === 0
    ? 'Record<string, Cell>'
    : `{ ${names.map((name) => `${keyOf(name)}: Cell`).join('; ')} }`;
}

function declaredOutput({ type, labels }: Declared): string {
  switch (type) {
    case 'classification':
      return 'Label[]';
    case 'embedding':
      return 'Float[]';
    case 'detection':
      return '(Label & { box: Float[] })[]';
    case 'ctc':
      return '{ text: string; score: Float }';
    case 'regression': {
      const names = valueOf(labels);
      if (typeof names !== 'object' || names === null) return names ? 'Record<string, Float>' : 'Float';
      return `{ ${Object.values(names)
        .map((name) => `${keyOf(String(name))}: Float`)
        .join('; ')} }`;
    }
    case 'mask':
      return '{ png: string; width: number; height: number; labels: { label: string; value: number; share: Float }[] }';
    case 'rerank':
      return 'Float';
    case 'tokens':
      return '(Label & { text: string; start: number; end: number })[]';
    default:
      return 'unknown';
  }
}

function valueOf(sourced: unknown): unknown {
  return typeof sourced === 'object' && sourced !== null && 'value' in sourced ? sourced.value : undefined;
}

/** A model that is not loaded has not said what it takes. */
function fields(title: string, tensors: readonly TypedTensor[] | null | undefined): string[] {
  if (!tensors) return [`    ${title}: Record<string, unknown>;`];
  const members = tensors.flatMap(({ name, datatype, shape }) => [
    `      /** ${datatype} [${shape.map((size) => (size === -1 ? 'any' : size)).join(', ')}] */`,
    `      ${keyOf(name)}: ${typeOf(datatype)}${'[]'.repeat(shape.length)};`,
  ]);
  return [`    ${title}: {`, ...members, '    };'];
}

function typeOf(datatype: Datatype): string {
  switch (datatype) {
    case 'BOOL':
      return 'boolean';
    case 'BYTES':
      return 'string';
    case 'INT64':
    case 'UINT64':
      return 'Int64';
    case 'FP16':
    case 'FP32':
    case 'FP64':
      return 'Float';
    default:
      return 'number';
  }
}

function keyOf(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function comment(text: string): string {
  return text.replaceAll('*/', '*\\/').replace(/\s+/g, ' ');
}
