import type { LoadedModel } from '../../models/loading/loaded-model';
import { EXAMPLE_ELEMENTS, type WarmUpInputs } from '../../models/loading/warm-up-inputs';
import { declaredResult } from '../../processing/declared-sample';
import { exampleValue } from '../../processing/example-input';
import { finishAll } from '../../processing/finish';
import { JsonWriter } from '../../tensors/json/json-writer';
import { elementCount } from '../../tensors/shape';

/**
 * Does its example bring declared inputs? Where `model.yaml` has one, that one is the model's: else what people would
 * send, as tensors of zeros tell them nothing.
 */
export function hasDeclaredExample({ processing, config, sample }: LoadedModel): boolean {
  return processing?.takesRaw === true && (config.example === undefined || !isReadable(sample));
}

/** A native request body that succeeds; undefined where it would be too large to read. */
export function exampleRequest(model: LoadedModel): Record<string, unknown> | undefined {
  const { processing, sample } = model;
  if (processing !== undefined && hasDeclaredExample(model)) {
    const { inputs } = processing.pipeline;
    return Object.fromEntries(inputs.map(({ plan }) => [plan.name, exampleValue(plan)]));
  }
  return isReadable(sample) ? tensorsAsJson(sample) : undefined;
}

/** What the run of the example gave when the model was warmed up; undefined where that is too large to read. */
export function exampleResult(model: LoadedModel): Record<string, unknown> | undefined {
  const { processing, seen } = model;
  if (seen?.outputs === undefined) return undefined;
  if (processing === undefined || !hasDeclaredExample(model)) return tensorsAsJson(seen.outputs);
  const plans = processing.pipeline.outputs;
  try {
    const outputs = finishAll(plans, { outputs: seen.outputs, contexts: [], options: {} });
    return declaredResult({ plans, outputs, isList: false });
  } catch {
    // Some outputs cannot be read without what is known of their input.
    return undefined;
  }
}

/** Is it small enough for people to read? */
export function isReadable(tensors: WarmUpInputs | undefined): tensors is WarmUpInputs {
  return (
    tensors !== undefined &&
    tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0) <= EXAMPLE_ELEMENTS
  );
}

/** A native request body, or the result of an answer. */
export function tensorsAsJson(tensors: WarmUpInputs): Record<string, unknown> {
  const writer = new JsonWriter();
  writer.raw('{');
  tensors.forEach(({ name, data, datatype, shape }, i) => {
    if (i > 0) writer.raw(',');
    writer.string(name);
    writer.raw(':');
    writer.tensorNested(data, datatype, shape);
  });
  writer.raw('}');
  return JSON.parse(writer.finish().toString()) as Record<string, unknown>;
}
