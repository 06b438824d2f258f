import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { DATATYPES } from '../../tensors/datatype';

// Shapes for the OpenAPI document only: answers are plain objects, and tensor bodies never become classes.

export class V2ErrorResponse {
  /** What was expected and what came. */
  error: string;
}

export class V2ServerMetadata {
  name: string;
  version: string;
  /** Those that are implemented here. */
  @ApiProperty({ type: [String], example: ['binary_tensor_data', 'model_repository'] })
  extensions: string[];
}

export class V2ServerLive {
  live: boolean;
}

export class V2ServerReady {
  ready: boolean;
  /** Why not, when it is not. */
  @ApiProperty({ required: false })
  error?: string;
}

export class V2ModelList {
  @ApiProperty({ type: [String] })
  models: string[];
  /** Begins the next page; left out on the last. */
  @ApiPropertyOptional()
  next_cursor?: string;
}

export class V2TensorMetadata {
  name: string;
  @ApiProperty({ enum: DATATYPES, example: 'FP32' })
  datatype: string;
  /** -1 stands for a dimension of any size. */
  @ApiProperty({ type: [Number], example: [-1, 4] })
  shape: number[];
  /** `content_type` of an input that is declared: `image` or `str`; `raw`: a tensor of the model beside what it declares. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
}

export class V2ModelMetadata {
  name: string;
  /** All versions that a path may name. */
  @ApiProperty({ type: [String] })
  versions: string[];
  @ApiProperty({ example: 'onnx_onnxv1' })
  platform: string;
  @ApiProperty({ type: [V2TensorMetadata] })
  inputs: V2TensorMetadata[];
  @ApiProperty({ type: [V2TensorMetadata] })
  outputs: V2TensorMetadata[];
}

export class V2ModelReady {
  name: string;
  ready: boolean;
  /** Why not, when it is not. */
  @ApiProperty({ required: false })
  error?: string;
}

export class V2RepositoryIndexRequest {
  /** Only versions that are ready to serve? */
  @ApiPropertyOptional({ type: Boolean, default: false })
  ready?: boolean;
}

export class V2RepositoryEntry {
  name: string;
  /** Left out for a model without a version that can be served. */
  @ApiProperty({ required: false })
  version?: string;
  @ApiProperty({ enum: ['UNKNOWN', 'READY', 'UNAVAILABLE', 'LOADING', 'UNLOADING'] })
  state: string;
  /** Why it is in this state; empty when there is nothing to say. */
  reason: string;
}

export class V2RepositoryRequest {
  /** None changes anything here. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
}

export class V2Loaded {
  name: string;
  load: boolean;
}

export class V2Unloaded {
  name: string;
  unload: boolean;
}

/** A tensor's elements in row-major order: numbers, booleans or strings, flat or nested as the shape is. */
const data = { type: 'array', items: {} } as const;

export class V2RequestInput {
  name: string;
  @ApiProperty({ type: [Number], example: [1, 4] })
  shape: number[];
  @ApiProperty({ enum: DATATYPES, example: 'FP32' })
  datatype: string;
  /** `binary_data_size`: the tensor's bytes stand behind the JSON, in place of `data`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
  @ApiPropertyOptional(data)
  data?: unknown[];
}

export class V2RequestOutput {
  name: string;
  /** `binary_data`: are its bytes to stand behind the JSON, in place of `data`? */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
}

export class V2InferRequest {
  /** Echoed in the response. */
  @ApiProperty({ required: false })
  id?: string;
  /** `priority` (1 is the most urgent, 0 the default), `timeout` (microseconds), `binary_data_output`. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
  @ApiProperty({ type: [V2RequestInput] })
  inputs: V2RequestInput[];
  /** All of the model's when left out. */
  @ApiProperty({ type: [V2RequestOutput], required: false })
  outputs?: V2RequestOutput[];
}

export class V2ResponseOutput {
  name: string;
  @ApiProperty({ type: [Number], example: [1, 3] })
  shape: number[];
  @ApiProperty({ enum: DATATYPES, example: 'FP32' })
  datatype: string;
  /** `binary_data_size`, where the tensor's bytes stand behind the JSON. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  parameters?: Record<string, unknown>;
  @ApiPropertyOptional(data)
  data?: unknown[];
}

export class V2InferResponse {
  model_name: string;
  model_version: string;
  @ApiProperty({ required: false })
  id?: string;
  @ApiProperty({ type: [V2ResponseOutput] })
  outputs: V2ResponseOutput[];
}
