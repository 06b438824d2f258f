import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readEnvironment } from '../../config/settings';
import type { ModelDescription, ModelDetails } from '../../protocols/native/model-description';
import { UsageError } from '../command';
import { rowLines } from './answer-lines';
import { LinesCall } from './lines-call';
import type { Inputs, Target } from './target';

/** Where a model is: a folder of models or one file, and the model's name if that is known. */
export interface Place {
  readonly models: string;
  readonly name: string | undefined;
}

/**
 * Loads one model into this process.
 * @param given a file, a folder of models, one model's folder, or the name of a model in MODEL_DIR
 * @throws UsageError where the name is left open, or there is none of that name
 */
export async function openLocal(given: string, name: string | undefined): Promise<Target> {
  const place = placeOf(given, name);
  const { openModels } = await import('../open-models.js');
  const nestor = await openModels(place.models, place.name);
  try {
    const models: readonly (ModelDescription & Partial<ModelDetails>)[] = await nestor.models();
    const there = models.filter(({ versions }) => versions.length > 0);
    const found =
      place.name === undefined
        ? there.length === 1
          ? there[0]
          : undefined
        : there.find((model) => model.name === place.name);
    if (found === undefined) {
      const known = there.map((model) => model.name).join(', ') || 'none';
      const what =
        place.name === undefined ? 'Which model? Give --model' : `There is no model "${place.name}"`;
      throw new UsageError(`${what}; there are: ${known}.`);
    }
    if (found.state !== 'READY')
      throw new Error(`model "${found.name}" cannot be loaded: ${found.reason ?? found.state}`);
    const { inputs = [], outputs = [], pipeline, batching } = found;
    return {
      model: { name: found.name, inputs, outputs, pipeline, batching },
      // One runs while the next is read.
      callsAtOnce: 2,
      infer: async (values: Inputs) => (await nestor.infer(found.name, values)).outputs,
      lines: async (values, rows) => {
        const call = new LinesCall(found.name, values, rows);
        const { outputs } = await nestor.ask(call);
        return call.lines ?? rowLines(outputs, rows);
      },
      close: () => nestor.close(),
    };
  } catch (error) {
    await nestor.close();
    throw error;
  }
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
