import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ERROR_CODES } from '../../errors/domain-error';

// Shapes for the OpenAPI document only: answers are plain objects, and tensor bodies never become classes.

export class TensorResponse {
  name: string;
  /** A datatype of the Open Inference Protocol. */
  @ApiProperty({ example: 'FP32' })
  datatype: string;
  /** -1 stands for a dimension of any size. */
  @ApiProperty({ type: [Number], example: [-1, 8, 8] })
  shape: number[];
  /** What the places of the last dimension mean, where the model says so: the classes of a classifier. */
  @ApiProperty({ type: [String], required: false })
  labels?: readonly string[];
  /** The names that the model has for its dimensions, null for those without one. */
  @ApiProperty({
    type: 'array',
    items: { type: 'string', nullable: true },
    required: false,
    example: ['batch', null],
  })
  dimensions?: readonly (string | null)[];
}

export class BatchingResponse {
  /** Are requests run together? */
  enabled: boolean;
  max_batch_rows: number;
  /** Why not, when they are not. */
  @ApiProperty({ required: false })
  reason?: string;
}

export class ModelResponse {
  name: string;
  @ApiProperty({ required: false })
  description?: string;
  /** The version that serves requests which name none. */
  @ApiProperty({ required: false })
  version?: string;
  /** All versions in the model folder. */
  @ApiProperty({ type: [String] })
  versions: string[];
  @ApiProperty({ enum: ['UNAVAILABLE', 'LOADING', 'READY', 'UNLOADING'] })
  state: string;
  /** Why it is in this state, when there is something to say. */
  @ApiProperty({ required: false })
  reason?: string;
  /** What to do about the reason, where that is known. */
  @ApiProperty({ required: false })
  hint?: string;
  /** Is the server not ready without it? */
  @ApiProperty({ name: 'required', type: Boolean })
  required: boolean;
  /** What a request gives it, in words. */
  @ApiProperty({ required: false, example: 'row of 4 columns' })
  takes?: string;
  /** What it answers, in words. */
  @ApiProperty({ required: false, example: '3 labels' })
  gives?: string;
  @ApiProperty({ type: [TensorResponse], required: false })
  inputs?: TensorResponse[];
  @ApiProperty({ type: [TensorResponse], required: false })
  outputs?: TensorResponse[];
  /** Inputs that the model's file has a value for, which no request can give; left out where there are none. */
  @ApiPropertyOptional({ type: [String], example: ['scale'] })
  defaulted_inputs?: readonly string[];
  @ApiProperty({ required: false })
  batching?: BatchingResponse;
}

export class ModelListResponse {
  @ApiProperty({ type: [ModelResponse] })
  models: ModelResponse[];
  /** Begins the next page; left out on the last. */
  @ApiPropertyOptional()
  next_cursor?: string;
}

export class WeightsResponse {
  /** Are they mapped out of a prepared form, which all workers share? */
  prepared: boolean;
  /** About what each worker has of them for itself. */
  own_bytes: number;
  /** About what all workers have of them together. */
  shared_bytes: number;
  /** Why they are not prepared, when they are not. */
  @ApiProperty({ required: false })
  reason?: string;
}

export class ModelDetailsResponse extends ModelResponse {
  override batching: BatchingResponse;
  /** Where its weights are; left out for a model on another server. */
  @ApiPropertyOptional({ type: WeightsResponse })
  weights?: WeightsResponse;
  /**
   * What the model declares beyond tensors: `input` and `output` by name, each key with its value and where that is from
   * (a file, `default`, or `model`), and the `options` that requests may have.
   */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  pipeline?: Record<string, unknown>;
  /** Why what lies beside the model was not recognised. */
  @ApiPropertyOptional()
  pipeline_reason?: string;
  /** A request body that succeeds; left out where it would be too large to read. */
  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  example?: Record<string, unknown>;
}

export class InferenceResponse {
  /** Nested arrays by output. NaN and the infinities are strings, and so are integers beyond 2^53. */
  @ApiProperty({ type: 'object', additionalProperties: true })
  result: Record<string, unknown>;
  cached: boolean;
  /** Seconds from the request's arrival to its result. */
  processing_time: number;
  model: string;
  version: string;
}

export class ErrorResponse {
  statusCode: number;
  /** Stable: programs may switch on it. */
  @ApiProperty({ enum: ERROR_CODES })
  code: string;
  /** For people: what was expected and what came. */
  message: string;
  @ApiProperty({ type: [String], required: false })
  details?: string[];
  requestId: string;
}
