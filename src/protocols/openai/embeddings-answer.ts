import { JsonWriter } from '../../tensors/json/json-writer';
import type { Tensor } from '../../tensors/tensor';
import type { EmbeddingsRequest } from './embeddings-request';

/** What is answered: a vector for each text, and how many tokens they had. */
export interface EmbeddingsAnswer {
  readonly model: string;
  readonly format: EmbeddingsRequest['format'];
  /** FP32 `[texts, elements]`. */
  readonly vectors: Tensor;
  readonly tokens: number;
}

/** A list in OpenAI's form; in base64 the elements are little-endian FP32. */
export function encodeEmbeddings({ model, format, vectors, tokens }: EmbeddingsAnswer): Buffer {
  const { shape, data } = vectors;
  const [rows = 0, width = 0] = shape;
  const values = data as Float32Array;
  const writer = new JsonWriter();
  writer.raw('{"object":"list","data":[');
  for (let row = 0; row < rows; row++) {
    const vector = values.subarray(row * width, (row + 1) * width);
    writer.raw(row === 0 ? '{"object":"embedding","index":' : ',{"object":"embedding","index":');
    writer.integer(row);
    writer.raw(',"embedding":');
    if (format === 'float') writer.tensorNested(vector, 'FP32', [width]);
    else writer.string(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64'));
    writer.raw('}');
  }
  writer.raw('],"model":');
  writer.string(model);
  writer.raw(',"usage":{"prompt_tokens":');
  writer.integer(tokens);
  writer.raw(',"total_tokens":');
  writer.integer(tokens);
  writer.raw('}}');
  return writer.finish();
}
