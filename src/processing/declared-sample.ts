import { readFile } from 'node:fs/promises';
import { isJsonObject, type JsonObject, type JsonValue } from '../config/yaml/json-value';
import { DomainError } from '../errors/domain-error';
import { JsonWriter } from '../tensors/json/json-writer';
import type { AssetFiles } from './assets';
import { type DeclaredAnswer, writeDeclared } from './declared-answer';
import { isOptionName, OPTIONS, type RequestOptions } from './options';
import type { Pipeline } from './pipeline';
import type { InputPlan } from './plans';
import type { RawInput } from './raw-input';

type DeclaredInput = Pipeline['inputs'][number];

/**
 * Raw inputs out of values in `model.yaml` (`example`, `warmup`, `golden`), in the form of a request's JSON; beside that
 * `{file: cat.jpg}` stands for a file of the model's folder.
 * @returns undefined where they name none of the declared inputs, and so mean tensors
 * @throws model_unavailable
 */
export async function readSample(
  values: JsonObject,
  { inputs }: Pick<Pipeline, 'inputs'>,
  assets: AssetFiles,
): Promise<{ inputs: RawInput[]; options: RequestOptions } | undefined> {
  if (!inputs.some(({ plan }) => Object.hasOwn(values, plan.name))) return undefined;
  const raw: RawInput[] = [];
  for (const input of inputs) {
    const value = values[input.plan.name];
    if (value === undefined) throw unusable(input.plan, 'is missing');
    raw.push(await readInput(input, value, assets));
  }
  const others = Object.entries(values).filter(([name]) => !inputs.some(({ plan }) => plan.name === name));
  return {
    inputs: raw,
    options: Object.fromEntries(others.map(([name, value]) => [name, option(name, value)])),
  };
}

/** What the native API answers, by declared output. */
export function declaredResult(answer: DeclaredAnswer): JsonObject {
  const writer = new JsonWriter();
  writeDeclared(writer, answer);
  return JSON.parse(writer.finish().toString()) as JsonObject;
}

/**
 * Where a value is not as expected; undefined where it is. An object may have more keys than are expected, and a list
 * more items behind them: of ten labels the first can be the one that counts.
 */
export function unlikeness(
  expected: JsonValue,
  actual: JsonValue | undefined,
  tolerance: number,
  place = '',
): string | undefined {
  if (typeof expected === 'number' && typeof actual === 'number') {
    const isNear = Math.abs(expected - actual) <= tolerance + tolerance * Math.abs(expected);
    return isNear ? undefined : `${place}: expected ${expected}, got ${actual}`;
  }
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || actual === null) {
    if (expected === actual) return undefined;
    return `${place}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)?.slice(0, 100)}`;
  }
  for (const [key, value] of Object.entries(expected)) {
    const found = (actual as Readonly<Record<string, JsonValue>>)[key];
    const fault = unlikeness(value, found, tolerance, place === '' ? key : `${place}.${key}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

async function readInput(
  { type, plan }: DeclaredInput,
  value: JsonValue,
  assets: AssetFiles,
): Promise<RawInput> {
  try {
    if (!isFile(value) && !(Array.isArray(value) && value.length > 0 && value.every(isFile))) {
      return type.fromJson(plan.name, value, plan);
    }
    const isList = Array.isArray(value);
    const files = (isList ? value : [value]) as readonly FileValue[];
    const parts: RawInput[] = [];
    for (const { file } of files) {
      parts.push(type.fromBytes(plan.name, await readFile(await assets.path(file)), undefined, plan));
    }
    return {
      ...parts[0]!,
      pieces: parts.flatMap(({ pieces }) => pieces),
      isList: isList || parts[0]!.isList,
    };
  } catch (error) {
    if (error instanceof DomainError) throw unusable(plan, error.message);
    throw error;
  }
}

interface FileValue {
  readonly file: string;
}

function isFile(value: JsonValue): boolean {
  return isJsonObject(value) && typeof value.file === 'string' && Object.keys(value).length === 1;
}

function option(name: string, value: JsonValue): unknown {
  const fault = (rule: string): never => {
    throw new DomainError('model_unavailable', `the sample's "${name}" ${rule}`);
  };
  return isOptionName(name) ? OPTIONS[name].read(value, fault) : fault('is neither an input nor an option');
}

function unusable({ name }: InputPlan, reason: string): DomainError {
  return new DomainError('model_unavailable', `a sample's input "${name}" cannot be used: ${reason}`);
}
