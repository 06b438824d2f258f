import type { JsonObject, JsonValue } from '../../config/yaml/json-value';
import type { FileFacts, Recognised } from './recognised';

/** Converters of scikit-learn's pipelines, of LightGBM and the like: where each input is a column, they are a table's. */
const PRODUCERS: ReadonlySet<string> = new Set(['skl2onnx', 'OnnxMLTools']);
/** What the table is called: the first that none of its columns is. */
const NAMES = ['row', 'table', 'record'];

/**
 * The table that a converter of scikit-learn's pipelines has made a model's inputs of: one for each column, `[rows, 1]`,
 * under its name. A matrix is none, as its columns have no names.
 * @param given what `model.yaml` declares itself
 */
export function sklearnFacts(
  { producer, columns }: FileFacts,
  { input, output }: { readonly input: JsonObject; readonly output: JsonObject },
): Recognised | undefined {
  if (!PRODUCERS.has(producer)) return undefined;
  const isDeclared = Object.keys(input).length > 0;
  // Outputs that are declared alone are what tensors are answered with, and rows would change that.
  if (!isDeclared && Object.keys(output).length > 0) return undefined;
  const from = `inputs of model.onnx, by ${producer}`;
  const name = NAMES.find((one) => !columns.some((column) => column.name === one));
  if (columns.length === 0 || name === undefined) {
    const reason = `the ${from}, are no columns with names, which \`input: { row: { type: table, columns: [...] } }\` in model.yaml gives them`;
    return { facts: [], reason: isDeclared ? '' : reason };
  }
  const keys: readonly (readonly [key: string, value: JsonValue])[] = [
    ['type', 'table'],
    ['columns', columnsOf(columns)],
  ];
  return { facts: keys.map(([key, value]) => ({ side: 'input', name, key, value, from })), reason: '' };
}

/** A list of names, or what is to be said of each: an empty cell is NaN where the pipeline imputes it. */
function columnsOf(columns: FileFacts['columns']): JsonValue {
  // A mapping does not keep the order of such names.
  const isPlain = !columns.some(({ isImputed }) => isImputed) || columns.some(({ name }) => /^\d/.test(name));
  if (isPlain) return columns.map(({ name }) => name);
  return Object.fromEntries(
    columns.map(({ name, isImputed }): [string, JsonObject] => [name, isImputed ? { missing: 'nan' } : {}]),
  );
}
