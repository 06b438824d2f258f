import { allocate, type Datatype, elementBytes, type TensorData, viewOf } from '../../src/tensors/datatype';
import type { Tensor, TensorSpec } from '../../src/tensors/tensor';
import type { TestServer } from '../helpers/server';
import { binaryBody, tensorBytes, tensorValues } from '../helpers/v2-bodies';

/** Runs a model on a server by one of its protocols. What the server does not answer with 200 is thrown. */
type Call = (
  server: TestServer,
  model: string,
  inputs: readonly Tensor[],
  outputs: readonly TensorSpec[],
) => Promise<Tensor[]>;

type Output = TensorSpec & { parameters?: { binary_data_size: number }; data?: unknown[] };

const LENGTH_HEADER = 'inference-header-content-length';

/** The ways to ask; FP16 has no JSON in the second protocol, so there it goes by the binary one alone. */
export const CALLS: Record<string, Call> = {
  'V2 JSON': async (server, model, inputs) => {
    const body = { inputs: inputs.map((tensor) => ({ ...specOf(tensor), data: tensorValues(tensor) })) };
    const response = await post(server, `/v2/models/${model}/infer`, Buffer.from(JSON.stringify(body)));
    const { outputs } = (await response.json()) as { outputs: Output[] };
    return outputs.map(({ data = [], ...spec }) => ({ ...spec, data: fromValues(spec.datatype, data) }));
  },

  'V2 binary': async (server, model, inputs) => {
    const parts = inputs.map(({ data }) => tensorBytes(data));
    const request = {
      inputs: inputs.map((tensor, index) => ({
        ...specOf(tensor),
        parameters: { binary_data_size: parts[index]?.length },
      })),
      parameters: { binary_data_output: true },
    };
    const { body, headerLength } = binaryBody(request, parts);
    const headers = { [LENGTH_HEADER]: String(headerLength) };
    const response = await post(server, `/v2/models/${model}/infer`, body, headers);
    const bytes = Buffer.from(await response.arrayBuffer());
    let at = Number(response.headers.get(LENGTH_HEADER));
    const { outputs } = JSON.parse(bytes.toString('utf8', 0, at)) as { outputs: Output[] };
    const tensors = outputs.map(({ parameters, ...spec }) => {
      const part = bytes.subarray(at, (at += parameters?.binary_data_size ?? NaN));
      return { ...spec, data: fromBytes(spec.datatype, part) };
    });
    if (at !== bytes.length) throw new Error(`The answer has ${bytes.length} bytes, not ${at}.`);
    return tensors;
  },

  'native JSON': async (server, model, inputs, outputs) => {
    const body = Object.fromEntries(
      inputs.map((tensor) => [tensor.name, nest(tensorValues(tensor), tensor.shape)]),
    );
    const response = await post(server, `/api/inference/${model}`, Buffer.from(JSON.stringify(body)));
    const { result } = (await response.json()) as { result: Record<string, unknown> };
    return outputs.map(({ name, datatype }) => {
      const [shape, values] = flatten(result[name]);
      return { name, datatype, shape, data: fromValues(datatype, values) };
    });
  },
};

async function post(
  server: TestServer,
  path: string,
  body: Buffer,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: new Uint8Array(body),
  });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

function specOf({ name, datatype, shape }: Tensor): TensorSpec {
  return { name, datatype, shape };
}

function fromValues(datatype: Datatype, values: readonly unknown[]): TensorData {
  if (datatype === 'BYTES') return values as string[];
  const data = allocate(datatype, values.length);
  const wide = datatype === 'INT64' || datatype === 'UINT64';
  values.forEach((value, index) => (data[index] = wide ? BigInt(String(value)) : Number(value)));
  return data;
}

function fromBytes(datatype: Datatype, bytes: Buffer): TensorData {
  if (datatype !== 'BYTES') {
    const copy = Uint8Array.from(bytes);
    return viewOf(datatype, copy.buffer, 0, copy.length / elementBytes(datatype));
  }
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = at + 4;
    at = start + bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', start, at));
  }
  return texts;
}

/** Row-major values as arrays in arrays; without a dimension the value alone. */
function nest(values: readonly unknown[], [size, ...inner]: readonly number[]): unknown {
  if (size === undefined) return values[0];
  if (inner.length === 0) return values;
  const step = values.length / size;
  return Array.from({ length: size }, (_, index) =>
    nest(values.slice(index * step, (index + 1) * step), inner),
  );
}

function flatten(value: unknown): [shape: number[], values: unknown[]] {
  const shape: number[] = [];
  let values = [value];
  while (Array.isArray(values[0])) {
    shape.push(values[0].length);
    values = values.flat(1);
  }
  return [shape, values];
}
