import type { ModelEntry, VersionEntry } from '../../models/loading/model-entry';
import { EXAMPLE_ELEMENTS, type WarmUpInputs } from '../../models/loading/warm-up-inputs';
import { declaredResult } from '../../processing/declared-sample';
import { exampleValue } from '../../processing/example-input';
import { finishAll } from '../../processing/finish';
import type { Pipeline, Resolved, SourcedValue } from '../../processing/pipeline';
import type { LoadedModel } from '../../models/loading/loaded-model';
import { elementCount } from '../../tensors/shape';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Weights } from '../../runners/runner-kind';
import type { TensorSpec } from '../../tensors/tensor';

export interface TensorDescription {
  name: string;
  /** A datatype of the Open Inference Protocol, such as FP32. */
  datatype: string;
  /** -1 stands for a dimension of any size. */
  shape: number[];
  /** What the places of the last dimension mean, where the model says so: the classes of a classifier. */
  labels?: readonly string[];
  /** The names that the model has for its dimensions, null for those without one; left out where none has. */
  dimensions?: readonly (string | null)[];
}

export interface ModelDescription {
  name: string;
  description?: string;
  /** The version that serves requests which name none. */
  version?: string;
  /** All versions in the model folder. */
  versions: string[];
  state: string;
  /** Why it is in this state, when there is something to say. */
  reason?: string;
  required: boolean;
  inputs?: TensorDescription[];
  outputs?: TensorDescription[];
  batching?: BatchingDescription;
}

/** Are requests run together in batches, how many rows at the most, and why not if not. */
export interface BatchingDescription {
  enabled: boolean;
  max_batch_rows: number;
  reason?: string;
}

/** Do all workers share them, about what each of them has for itself and all have together, and why not if not. */
export interface WeightsDescription {
  prepared: boolean;
  own_bytes: number;
  shared_bytes: number;
  reason?: string;
}

export interface ModelDetails extends ModelDescription {
  batching: BatchingDescription;
  /** Where its weights are; left out for a model on another server. */
  weights?: WeightsDescription;
  /** What it declares of pictures, texts and rows. */
  pipeline?: PipelineDescription;
  /** Why what lies beside it was not recognised. */
  pipeline_reason?: string;
  /** A request body that succeeds; absent for models whose inputs are too large to read. */
  example?: Record<string, unknown>;
}

/** What a model declares beyond tensors, each value with its source: a file, `default`, or `model`. */
export interface PipelineDescription {
  input: Record<string, DeclaredDescription>;
  output: Record<string, DeclaredDescription>;
  /** What a request may ask for besides. */
  options: string[];
}

export type DeclaredDescription = { type: string } & Record<string, string | SourcedValue>;

/** @internal */
export function describeModel(model: ModelEntry): ModelDescription {
  const version = model.version(undefined);
  return {
    name: model.name,
    ...describeState(version, model.reason),
    versions: [...model.versions.keys()],
    required: model.required,
  };
}

/** @internal */
export function describeServed(model: ModelEntry, served: LoadedModel): ModelDetails {
  return {
    ...describeModel(model),
    ...describeState(model.version(served.version), ''),
    batching: describeBatching(served),
    ...(served.weights && { weights: describeWeights(served.weights) }),
    ...(served.processing && { pipeline: describePipeline(served.processing.pipeline) }),
    ...(served.processingReason && { pipeline_reason: served.processingReason }),
    example: exampleRequest(served),
  };
}

function describeState(
  entry: VersionEntry | undefined,
  modelReason: string,
): Omit<ModelDescription, 'name' | 'versions' | 'required'> {
  const reason = entry?.reason || modelReason;
  return {
    ...(entry?.config.description && { description: entry.config.description }),
    version: entry?.version,
    state: entry?.state ?? 'UNAVAILABLE',
    ...(reason && { reason }),
    inputs: entry?.served?.inputs.map(describeTensor),
    outputs: entry?.served?.outputs.map(describeTensor),
    batching: entry?.served && describeBatching(entry.served),
  };
}

function describePipeline({ resolved, options }: Pipeline): PipelineDescription {
  const describe = (declared: readonly Resolved[]): Record<string, DeclaredDescription> =>
    Object.fromEntries(declared.map(({ name, type, keys }) => [name, { ...keys, type }]));
  return { input: describe(resolved.input), output: describe(resolved.output), options: [...options] };
}

function describeBatching({ batching, config }: LoadedModel): BatchingDescription {
  return {
    enabled: batching.enabled,
    max_batch_rows: batching.enabled ? config.maxBatchRows : 1,
    ...(batching.reason && { reason: batching.reason }),
  };
}

function describeWeights({ prepared, reason, ownBytes, sharedBytes }: Weights): WeightsDescription {
  return { prepared, own_bytes: ownBytes, shared_bytes: sharedBytes, ...(reason && { reason }) };
}

function describeTensor(spec: TensorSpec): TensorDescription {
  const { name, datatype, shape, labels, dimensions } = spec;
  return { name, datatype, shape: [...shape], ...(labels && { labels }), ...(dimensions && { dimensions }) };
}

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

function tensorsAsJson(tensors: WarmUpInputs): Record<string, unknown> {
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
