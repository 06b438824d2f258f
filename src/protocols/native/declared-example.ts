import { extname } from 'node:path';
import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { InputPlan } from '../../processing/plans';
import { columnsOf, type TablePlan } from '../../processing/table/table-plan';
import type { WarmUpInputs } from '../../models/loading/warm-up-inputs';
import { isReadable, tensorsAsJson } from './example-request';

/** A request by declared inputs that succeeds: a body, or a picture of the model's folder. */
export type DeclaredExample = { readonly body: JsonObject } | ExampleFile;

export interface ExampleFile {
  /** Name of the file. */
  readonly file: string;
  /** Its content type. */
  readonly type: string;
}

const PICTURES: Readonly<Record<string, string>> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.avif': 'image/avif',
};
const TEXT = 'A cat sleeps on the warm window sill.';
const PAIR = { text: TEXT, pair: 'The kitten naps in the sun by the window.' };

/** From what `model.yaml` has of them (`example`, `golden`, `warmup`), else made up; undefined where neither is possible. */
export function declaredExample({ config, processing, sample }: LoadedModel): DeclaredExample | undefined {
  if (processing?.takesRaw !== true) return undefined;
  const plans = processing.pipeline.inputs.map(({ plan }) => plan);
  const given = [config.example, ...config.golden.map(({ inputs }) => inputs), ...config.warmup];
  for (const values of given) {
    const found = values && plans.every(({ name }) => name in values) ? usable(values, plans) : undefined;
    if (found !== undefined) return found;
  }
  const made = plans.map((plan) => [plan.name, madeUp(plan, sample)] as const);
  if (made.some(([, value]) => value === undefined)) return undefined;
  return { body: Object.fromEntries(made) as JsonObject };
}

function usable(values: JsonObject, plans: readonly InputPlan[]): DeclaredExample | undefined {
  const files = plans.flatMap(({ name }) => fileIn(values[name]) ?? []);
  if (files.length === 0) return { body: values };
  const [file] = files;
  const type = file === undefined || plans.length > 1 ? undefined : PICTURES[extname(file).toLowerCase()];
  return file === undefined || type === undefined ? undefined : { file, type };
}

/** `{file: cat.jpg}`, or the first of a list of them. */
function fileIn(value: JsonValue | undefined): string | undefined {
  const one = Array.isArray(value) ? (value as readonly JsonValue[])[0] : value;
  return one !== undefined && isJsonObject(one) && typeof one.file === 'string' ? one.file : undefined;
}

function madeUp(plan: InputPlan, sample: WarmUpInputs | undefined): JsonValue | undefined {
  switch (plan.type) {
    case 'image':
      return undefined;
    case 'text':
      return plan.pairs ? PAIR : TEXT;
    case 'table':
      return rowOf(plan, isReadable(sample) ? (tensorsAsJson(sample) as JsonObject) : undefined);
  }
}

/** A row of the table out of tensors that the model was seen to accept. */
function rowOf(plan: TablePlan, tensors: JsonObject | undefined): JsonObject | undefined {
  const row: Record<string, JsonValue> = {};
  for (const { to, isMatrix, columns } of plan.tensors) {
    const first = (tensors?.[to] as readonly JsonValue[] | undefined)?.[0];
    const cells = isMatrix ? (first as readonly JsonValue[] | undefined) : [first ?? null];
    columns.forEach(({ name, values }, i) => {
      const cell = cells?.[i];
      if (values !== undefined && !values.includes(cell as never)) row[name] = values[0]!;
      else if (cell !== undefined && cell !== null) row[name] = cell;
    });
  }
  return Object.keys(row).length === columnsOf(plan).length ? row : undefined;
}
