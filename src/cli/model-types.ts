import type { Datatype } from '../tensors/datatype';

/** What the types of a model are made of: its entry in the list of models. */
export interface TypedModel {
  readonly name: string;
  readonly description?: string | null;
  /** Missing while the model is not loaded. */
  readonly inputs?: readonly TypedTensor[] | null;
  readonly outputs?: readonly TypedTensor[] | null;
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

function entryOf({ name, description, inputs, outputs }: TypedModel): string {
  const lines = [`  ${keyOf(name)}: {`, ...fields('inputs', inputs), ...fields('outputs', outputs), '  };'];
  if (description) lines.unshift(`  /** ${comment(description)} */`);
  return lines.join('\n');
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
