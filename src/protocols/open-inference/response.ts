import { type Datatype, DATATYPES } from '../../tensors/datatype';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { Tensor } from '../../tensors/tensor';
import { keepAnswerHead, knownAnswerHead } from './answer-head';
import { bestClasses, type BestClasses } from './classification';
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
  /** For each output: its best classes instead? Undefined where no output is asked for them. */
  readonly best?: readonly (BestClasses | undefined)[];
  /** Was a text cut before the model read it? */
  readonly truncated?: boolean;
}

export interface EncodedV2 {
  /** The JSON, then the bytes of each binary output: views of its memory, to be written one after the other. */
  readonly body: readonly Buffer[];
  /** Length of the JSON in bytes where something follows it. */
  readonly headerLength: number | undefined;
}

const byDatatype = (text: (datatype: Datatype) => string): Readonly<Record<Datatype, string>> =>
  Object.fromEntries(DATATYPES.map((datatype) => [datatype, text(datatype)])) as Record<Datatype, string>;

/** What stands between an output's shape and its data, or the size of its data. */
const BEFORE_DATA = byDatatype((datatype) => `],"datatype":"${datatype}","data":`);
const BEFORE_SIZE = byDatatype((datatype) => `],"datatype":"${datatype}","parameters":{"binary_data_size":`);

/** Writes `{model_name, model_version, id?, outputs: [{name, shape, datatype, parameters?, data?}]}`. */
export function encodeV2(given: V2Answer): EncodedV2 {
  const answer = given.best === undefined ? given : withClasses(given, given.best);
  const { id, outputs, binaryOutputs } = answer;
  const binary: Buffer[] = [];
  for (let i = 0; i < outputs.length; i++) if (binaryOutputs[i] === true) binary.push(bytesOf(outputs[i]!));
  if (binary.length === 0) return { body: [writeHead(answer, binary)], headerLength: undefined };
  const mayRepeat = id === undefined && answer.truncated !== true && binary.length === outputs.length;
  let head = mayRepeat ? knownAnswerHead(answer, binary) : undefined;
  if (head === undefined) {
    head = writeHead(answer, binary);
    if (mayRepeat) keepAnswerHead(answer, binary, head);
  }
  return { body: [head, ...binary], headerLength: head.length };
}

function withClasses(answer: V2Answer, best: readonly (BestClasses | undefined)[]): V2Answer {
  const outputs = answer.outputs.map((output, i) => {
    const wanted = best[i];
    return wanted === undefined ? output : bestClasses(output, wanted);
  });
  return { ...answer, outputs };
}

/** @param binary the bytes of the binary outputs, in their order */
function writeHead(
  { model, version, id, outputs, binaryOutputs, truncated }: V2Answer,
  binary: readonly Buffer[],
): Buffer {
  const writer = new JsonWriter(true);
  let binaryIndex = 0;
  writer.raw('{"model_name":');
  writer.string(model);
  writer.raw(',"model_version":');
  writer.string(version);
  if (id !== undefined) {
    writer.raw(',"id":');
    writer.string(id);
  }
  if (truncated === true) writer.raw(',"parameters":{"truncated":true}');
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
    if (binaryOutputs[i] === true) {
      writer.raw(BEFORE_SIZE[datatype]);
      writer.integer(binary[binaryIndex++]!.length);
      writer.raw('}}');
    } else {
      writer.raw(BEFORE_DATA[datatype]);
      writer.tensorFlat(data, datatype, data.length);
      writer.raw('}');
    }
  }
  writer.raw(']}');
  return writer.finish();
}
