import type { LoadedModel } from '../../models/loading/loaded-model';
import { exampleValue } from '../../processing/example-input';
import { elementBytes } from '../../tensors/datatype';
import { elementCount } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';
import { hasDeclaredExample, isReadable } from '../native/example-request';
import { declarationOf } from './declared-inputs';
import { encodeV2 } from './response';

/**
 * A request body that a model was seen to accept; undefined where it would be too large to read, or where an
 * input has no JSON form.
 */
export function exampleRequestV2(model: LoadedModel): object | undefined {
  const { sample, outputs } = model;
  if (hasDeclaredExample(model)) {
    const declared = declaredExample(model);
    if (declared !== undefined) return { inputs: declared };
  }
  if (!isReadable(sample) || sample.some(({ datatype }) => datatype === 'FP16')) return undefined;
  // An input of a request looks like an output of a response.
  const { outputs: inputs } = inJson(model, sample) as { outputs: object[] };
  const binaryOnly = outputs.some(({ datatype }) => datatype === 'FP16');
  return { ...(binaryOnly && { parameters: { binary_data_output: true } }), inputs };
}

/** What the run of the example gave when the model was warmed up; undefined where it is too large, or has no JSON form. */
export function exampleAnswerV2(model: LoadedModel): object | undefined {
  const outputs = model.seen?.outputs;
  if (outputs === undefined || hasDeclaredExample(model)) return undefined;
  return outputs.some(({ datatype }) => datatype === 'FP16') ? undefined : inJson(model, outputs);
}

function inJson({ name, version }: LoadedModel, outputs: readonly Tensor[]): object {
  const { body } = encodeV2({ model: name, version, id: undefined, outputs, binaryOutputs: [] });
  return JSON.parse(Buffer.concat(body).toString()) as object;
}

/** Pictures in base64, and texts; undefined for tables, which this protocol does not carry. */
function declaredExample({ processing }: LoadedModel): object[] | undefined {
  const declared = processing && declarationOf(processing).inputs;
  if (processing === undefined || declared === undefined || declared.length === 0) return undefined;
  return processing.pipeline.inputs.map(({ plan }, i) => {
    const { spec, media } = declared[i]!;
    const value = exampleValue(plan) as string | Readonly<Record<string, string>>;
    const data = typeof value === 'string' ? [value] : Object.values(value);
    return { name: spec.name, shape: media === 'pairs' ? [1, 2] : [1], datatype: 'BYTES', data };
  });
}

/**
 * A command that sends the model zeros in binary, however large its inputs are: their JSON, then as many bytes.
 * @param url of the server
 */
export function exampleCommand({ name, sample }: LoadedModel, url: string): string | undefined {
  if (sample === undefined) return undefined;
  const sizes = sample.map(
    ({ datatype, shape }) =>
      // Texts of no characters, each with its length.
      (datatype === 'BYTES' ? 4 : elementBytes(datatype)) * elementCount(shape),
  );
  const inputs = sample.map((tensor, i) => ({
    name: tensor.name,
    shape: tensor.shape,
    datatype: tensor.datatype,
    parameters: { binary_data_size: sizes[i] },
  }));
  const head = JSON.stringify({ parameters: { binary_data_output: true }, inputs });
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return [
    `{ printf '%s' '${head.replaceAll("'", `'\\''`)}'; head -c ${bytes} /dev/zero; } |`,
    `  curl -s '${url}/v2/models/${encodeURIComponent(name).replaceAll("'", '%27')}/infer' --data-binary @- --output answer.bin \\`,
    `    -H 'content-type: application/octet-stream' -H 'Inference-Header-Content-Length: ${Buffer.byteLength(head)}'`,
  ].join('\n');
}
