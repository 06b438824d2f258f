import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readEnvironment } from '../config/settings';
import { UsageError } from './command';

/** Where a model is: a folder of models or one file, and the model's name if that is known. */
export interface Place {
  readonly models: string;
  readonly name: string | undefined;
}

/** @throws UsageError where there is nothing */
export function placeOf(given: string, name: string | undefined): Place {
  const path = resolve(given);
  if (!existsSync(path)) {
    const models = resolve(readEnvironment().MODEL_DIR || 'models');
    if (name !== undefined || !/^[\w.-]+$/.test(given) || given.endsWith('.onnx') || !existsSync(models))
      throw new UsageError(`There is no file or folder ${given}.`);
    return { models, name: given };
  }
  return name === undefined && isOneModel(path)
    ? { models: dirname(path), name: basename(path) }
    : { models: path, name };
}

/** Is this the folder of one model, `iris/1/model.onnx` or as it was downloaded, and not one of several? */
export function isOneModel(path: string): boolean {
  try {
    const entries = readdirSync(path);
    return entries.some(
      (entry) =>
        entry === 'model.yaml' ||
        (entry === 'config.json' && entries.some((beside) => beside === 'model.onnx' || beside === 'onnx')) ||
        (/^\d+$/.test(entry) && existsSync(join(path, entry, 'model.onnx'))),
    );
  } catch {
    return false;
  }
}
