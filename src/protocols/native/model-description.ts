import type { ModelEntry, VersionEntry } from '../../models/loading/model-entry';
import { whatToDo } from '../../models/what-to-do';
import { inWords } from '../../processing/in-words';
import type { Pipeline, Resolved, SourcedValue } from '../../processing/pipeline';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { Weights } from '../../runners/runner-kind';
import type { TensorSpec } from '../../tensors/tensor';
import { declaredExample } from './declared-example';
import { exampleRequest } from './example-request';

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
  /** What to do about the reason, where that is known. */
  hint?: string;
  required: boolean;
  /** In words: `row of 4 columns`. */
  takes?: string;
  gives?: string;
  inputs?: TensorDescription[];
  outputs?: TensorDescription[];
  /** Inputs that the model's file has a value for, which no request can give; left out where there are none. */
  defaulted_inputs?: readonly string[];
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
  /** A request by declared inputs that succeeds: its body, or a picture and where its bytes are, below the API's prefix. */
  example?: { body: Record<string, unknown> } | { file: string; type: string; path: string };
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
    ...(served.processing && { pipeline: describePipeline(served, served.processing.pipeline) }),
    ...(served.processingReason && { pipeline_reason: served.processingReason }),
    example: exampleRequest(served),
  };
}

function describeState(
  entry: VersionEntry | undefined,
  modelReason: string,
): Omit<ModelDescription, 'name' | 'versions' | 'required'> {
  const reason = entry?.reason || modelReason;
  const hint = whatToDo(reason);
  const { served } = entry ?? {};
  return {
    ...(entry?.config.description && { description: entry.config.description }),
    version: entry?.version,
    state: entry?.state ?? 'UNAVAILABLE',
    ...(reason && { reason }),
    ...(hint && { hint }),
    ...(served && inWords({ ...served, pipeline: served.processing?.pipeline })),
    inputs: served?.inputs.map(describeTensor),
    outputs: served?.outputs.map(describeTensor),
    ...(served && served.defaulted.length > 0 && { defaulted_inputs: served.defaulted }),
    batching: served && describeBatching(served),
  };
}

function describePipeline(served: LoadedModel, { resolved, options }: Pipeline): PipelineDescription {
  const describe = (declared: readonly Resolved[]): Record<string, DeclaredDescription> =>
    Object.fromEntries(declared.map(({ name, type, keys }) => [name, { ...keys, type }]));
  const example = declaredExample(served);
  return {
    input: describe(resolved.input),
    output: describe(resolved.output),
    options: [...options],
    ...(example && { example: 'body' in example ? example : { path: examplePath(served.name), ...example } }),
  };
}

/** Below the API's prefix, where the bytes of the picture are that stands for an example. */
function examplePath(model: string): string {
  return `inference/${model}/example`;
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
