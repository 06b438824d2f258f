import { JsonWriter } from '../tensors/json-writer';
import type { Tensor } from '../tensors/tensor';
import { bytesOf } from './binary-data';

/** What a response says. */
export interface V2Answer {
  readonly model: string;
  readonly version: string;
  /** The request's, if it had one. */
  readonly id: string | undefined;
  readonly outputs: readonly Tensor[];
  /** For each output: in binary? */
  readonly binaryOutputs: readonly boolean[];
}

export interface EncodedV2 {
  /** The JSON, then the bytes of each binary output: views of its memory, to be written one after the other. */
  readonly body: readonly Buffer[];
  /** Length of the JSON in bytes where something follows it. */
  readonly headerLength: number | undefined;
}

/** Writes `{model_name, model_version, id?, outputs: [{name, shape, datatype, parameters?, data?}]}`. */
export function encodeV2({ model, version, id, outputs, binaryOutputs }: V2Answer): EncodedV2 {
  const writer = new JsonWriter();
  const binary: Buffer[] = [];
  writer.raw('{"model_name":');
  writer.string(model);
  writer.raw(',"model_version":');
  writer.string(version);
  if (id !== undefined) {
    writer.raw(',"id":');
    writer.string(id);
  }
  writer.raw(',"outputs":[');
  for (let i = 0; i < outputs.length; i++) {
    const { name, shape, datatype, data } = outputs[i]!;
    writer.raw(i === 0 ? '{"name":' : ',{"name":');
    writer.string(name);
    writer.raw(',"shape":[');
    for (let d = 0; d < shape.length; d++) {
      if (d > 0) writer.raw(',');
      writer.integer(shape[d]!);
    }
    // One of a few words, which need no escapes.
    writer.raw('],"datatype":"');
    writer.raw(datatype);
    if (binaryOutputs[i] === true) {
      const bytes = bytesOf(outputs[i]!);
      binary.push(bytes);
      writer.raw('","parameters":{"binary_data_size":');
      writer.integer(bytes.length);
      writer.raw('}}');
    } else {
      writer.raw('","data":');
      writer.tensorFlat(data, datatype, data.length);
      writer.raw('}');
    }
  }
  writer.raw(']}');
  const head = writer.finish();
  return binary.length === 0
    ? { body: [head], headerLength: undefined }
    : { body: [head, ...binary], headerLength: head.length };
}
