import { type JsonObject, type JsonValue, isJsonObject } from '../../config/yaml/json-value';
import type { Reader } from '../../config/yaml/readers';
import type { AssetFiles } from '../assets';
import type { TellFault } from '../declared-type';

const MAX_LABELS = 1_000_000;
const MAX_LABEL_LENGTH = 1024;

/** Class names: in a file, one a line or as JSON; as a list; or by number, as `id2label` of Hugging Face has them. */
export type LabelSource = string | readonly string[];

export const labelSource: Reader<LabelSource> = (value, fault) => {
  if (typeof value === 'string' && /^[^\0\\]{1,255}$/.test(value) && !value.split('/').some(isOdd))
    return value;
  const labels = labelsOf(value);
  if (labels !== undefined) return labels;
  return fault('must be the name of a file, a list of texts, or a mapping of 0, 1, 2 ... to texts');
};

export function labelAssets(source: LabelSource | undefined): readonly string[] {
  return typeof source === 'string' ? [source] : [];
}

/** The labels themselves, of which there must be `count`, where that is known. */
export async function readLabels(
  source: LabelSource | undefined,
  count: number | undefined,
  assets: AssetFiles,
  fault: TellFault,
): Promise<readonly string[] | undefined> {
  if (source === undefined) return undefined;
  const labels = typeof source === 'string' ? labelsInFile(source, await assets.text(source), fault) : source;
  if (labels !== undefined && count !== undefined && labels.length !== count) {
    fault(`labels: are ${labels.length}, but the model has ${count} classes`);
    return undefined;
  }
  return labels;
}

function labelsInFile(name: string, text: string, fault: TellFault): readonly string[] | undefined {
  if (name.endsWith('.json')) {
    const labels = labelsOf(parsed(text));
    if (labels === undefined)
      fault(`labels: ${name} has neither a list of texts nor a mapping of 0, 1, 2 ... to texts`);
    return labels;
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > 0 && lines.length <= MAX_LABELS && lines.every(isLabel)) return lines;
  fault(`labels: ${name} must have 1 to ${MAX_LABELS} lines of at most ${MAX_LABEL_LENGTH} characters`);
  return undefined;
}

function labelsOf(value: JsonValue | undefined): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list = Array.isArray(value)
    ? (value as readonly JsonValue[])
    : isJsonObject(value)
      ? inOrder(value)
      : [];
  if (list.length === 0 || list.length > MAX_LABELS) return undefined;
  // Digits may be named by themselves.
  const labels = list.map((label) => (typeof label === 'number' ? String(label) : label));
  return labels.every(isLabel) ? labels : undefined;
}

/** The values of the keys 0, 1, 2 ...; nothing when one is missing, or another is there. */
function inOrder(mapping: JsonObject): readonly JsonValue[] {
  const count = Object.keys(mapping).length;
  const values: JsonValue[] = [];
  for (let id = 0; id < count; id++) values.push(mapping[String(id)] ?? null);
  return values;
}

function isLabel(value: JsonValue): value is string {
  return typeof value === 'string' && value.length <= MAX_LABEL_LENGTH;
}

function isOdd(part: string): boolean {
  return part === '' || part.startsWith('.');
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
