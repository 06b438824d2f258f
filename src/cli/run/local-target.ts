import type { ModelDescription, ModelDetails } from '../../protocols/native/model-description';
import { UsageError } from '../command';
import { placeOf } from '../place';
import { rowLines } from './answer-lines';
import { LinesCall } from './lines-call';
import type { Inputs, Target } from './target';

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
