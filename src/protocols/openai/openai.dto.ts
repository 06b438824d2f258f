import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

// Shapes for the OpenAPI document only.

export class OpenAiModel {
  @ApiProperty({ example: 'minilm' })
  id: string;
  @ApiProperty({ enum: ['model'] })
  object: 'model';
  /** Nobody knows when it was made. */
  @ApiProperty({ example: 0 })
  created: number;
  @ApiProperty({ example: 'nestor' })
  owned_by: string;
}

export class OpenAiModelList {
  @ApiProperty({ enum: ['list'] })
  object: 'list';
  @ApiProperty({ type: [OpenAiModel] })
  data: OpenAiModel[];
  /** Begins the next page; left out on the last. */
  @ApiPropertyOptional()
  next_cursor?: string;
}

export class EmbeddingsBody {
  @ApiProperty({ example: 'minilm' })
  model: string;
  @ApiProperty({
    oneOf: [
      { type: 'string' },
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'integer', minimum: 0 } },
      { type: 'array', items: { type: 'array', items: { type: 'integer', minimum: 0 } } },
    ],
    description: "Texts, or token ids of the model's own tokenizer, with those that stand around a text.",
    example: ['A cat.', 'A dog.'],
  })
  input: string | string[] | number[] | number[][];
  @ApiPropertyOptional({ enum: ['float', 'base64'], default: 'float' })
  encoding_format?: string;
  @ApiPropertyOptional({ description: 'Elements to keep of each vector.' })
  dimensions?: number;
  @ApiPropertyOptional({ description: "Cut what is too long, or refuse it; not one of OpenAI's own." })
  truncate?: boolean;
}

export class EmbeddingItem {
  @ApiProperty({ enum: ['embedding'] })
  object: 'embedding';
  index: number;
  /** Numbers, or little-endian FP32 in base64. */
  @ApiProperty({ oneOf: [{ type: 'array', items: { type: 'number' } }, { type: 'string' }] })
  embedding: number[] | string;
}

export class EmbeddingsUsage {
  prompt_tokens: number;
  total_tokens: number;
}

export class EmbeddingsResponse {
  @ApiProperty({ enum: ['list'] })
  object: 'list';
  @ApiProperty({ type: [EmbeddingItem] })
  data: EmbeddingItem[];
  model: string;
  usage: EmbeddingsUsage;
}

export class OpenAiError {
  message: string;
  type: string;
  @ApiProperty({ type: String, nullable: true })
  param: string | null;
  @ApiProperty({ type: String, nullable: true })
  code: string | null;
}

export class OpenAiErrorResponse {
  error: OpenAiError;
}
