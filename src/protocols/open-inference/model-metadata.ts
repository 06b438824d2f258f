import { basename } from 'node:path';
import type { ModelEntry } from '../../models/loading/model-entry';
import type { LoadedModel } from '../../models/loading/loaded-model';
import type { VersionPolicy } from '../../models/repository/version-policy';
import type { Datatype } from '../../tensors/datatype';
import type { TensorSpec } from '../../tensors/tensor';
import { declarationOf } from './declared-inputs';
import type { V2ModelMetadata, V2TensorMetadata } from './v2.dto';

/** The protocol's name for ONNX models (Platforms in its document). */
const PLATFORM = 'onnx_onnxv1';

/**
 * What a model takes and gives: where it declares pictures or texts these first, then its own tensors, marked `raw`. Columns
 * of a table are not among it: a client that sends all that is listed would send the rows twice.
 */
export function describeV2(model: ModelEntry, served: LoadedModel): V2ModelMetadata {
  const declared = served.processing && declarationOf(served.processing);
  const inputs = declared?.inputs ?? [];
  // An output that is a tensor of the model under its own name is told once.
  const outputs = inputs.length === 0 ? [] : (declared?.outputs ?? []).filter(isNoneOf(served.outputs));
  const own = (spec: TensorSpec): V2TensorMetadata => ({
    ...describeTensor(spec),
    ...(inputs.length > 0 && { parameters: { raw: true } }),
  });
  return {
    name: model.name,
    versions: [...model.versions.keys()],
    platform: platformOf(served),
    inputs: [
      ...inputs.map(({ spec, contentType }) => ({
        ...describeTensor(spec),
        parameters: { content_type: contentType },
      })),
      ...served.inputs.map(own),
    ],
    outputs: [...outputs.map(describeTensor), ...served.outputs.map(own)],
  };
}

function isNoneOf(specs: readonly TensorSpec[]): (spec: TensorSpec) => boolean {
  return ({ name }) => !specs.some((spec) => spec.name === name);
}

function describeTensor({ name, datatype, shape }: TensorSpec): V2TensorMetadata {
  return { name, datatype, shape: [...shape] };
}

/** A model's resolved configuration in the words of Triton's, as far as it has them; see `configOf`. */
export interface V2ModelConfig {
  name: string;
  platform: string;
  backend: string;
  version_policy:
    { all: object } | { latest: { num_versions: number } } | { specific: { versions: number[] } };
  /** 0 for a model that is not batched. */
  max_batch_size: number;
  input: V2ConfigTensor[];
  output: V2ConfigTensor[];
  instance_group: { name: string; kind: 'KIND_CPU' | 'KIND_GPU'; count: number }[];
  dynamic_batching?: { preferred_batch_size: number[]; max_queue_delay_microseconds: number };
  default_model_filename: string;
  parameters: Record<string, { string_value: string }>;
}

interface V2ConfigTensor {
  name: string;
  /** Such as TYPE_FP32. */
  data_type: string;
  /** Without the leading dimension where `max_batch_size` is not 0. */
  dims: number[];
}

/**
 * https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto in its JSON form;
 * settings that have no place there are among `parameters`.
 */
export function configOf(model: ModelEntry, served: LoadedModel, workers: number): V2ModelConfig {
  const { name, config, description, inputs, outputs, batching } = served;
  const batched = batching.enabled;
  const tensor = (spec: TensorSpec): V2ConfigTensor => ({
    name: spec.name,
    data_type: dataType(spec.datatype),
    dims: spec.shape.slice(batched ? 1 : 0),
  });
  return {
    name,
    platform: platformOf(served),
    backend: description.backend,
    version_policy: policyOf(config.versions),
    max_batch_size: batched ? config.maxBatchRows : 0,
    input: inputs.map(tensor),
    output: outputs.map(tensor),
    instance_group: [
      {
        name,
        kind: description.accelerated ? 'KIND_GPU' : 'KIND_CPU',
        count: description.instances * workers,
      },
    ],
    ...(batched && {
      dynamic_batching: {
        preferred_batch_size: [],
        max_queue_delay_microseconds: Math.round(config.maxQueueDelayMs * 1000),
      },
    }),
    default_model_filename: basename(model.versions.get(served.version)?.found.file ?? ''),
    parameters: parametersOf(served),
  };
}

/** What runs on another server may be anything. */
function platformOf({ config, description }: LoadedModel): string {
  return config.elsewhere ? description.backend : PLATFORM;
}

function dataType(datatype: Datatype): string {
  return datatype === 'BYTES' ? 'TYPE_STRING' : `TYPE_${datatype}`;
}

function parametersOf({ config, description }: LoadedModel): V2ModelConfig['parameters'] {
  const settings = {
    description: config.description,
    weight: config.weight,
    ...description.settings,
    deadline_ms: config.deadlineMs,
    run_timeout_ms: config.runTimeoutMs,
  };
  const parameters: V2ModelConfig['parameters'] = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value !== undefined) parameters[name] = { string_value: String(value) };
  }
  return parameters;
}

function policyOf(policy: VersionPolicy): V2ModelConfig['version_policy'] {
  switch (policy.kind) {
    case 'all':
      return { all: {} };
    case 'latest':
      return { latest: { num_versions: policy.count } };
    case 'specific':
      return { specific: { versions: policy.versions.map(Number) } };
  }
}
