import { DomainError } from '../../errors/domain-error';
import { readOptions } from '../../processing/options';
import { wantsDeclared } from './declared-inputs';
import { keepHead, knownCall } from './known-head';
import { readRawRequest } from './raw-request';
import type { V2Body, V2Model } from './v2-call';
import { JsonReader } from '../../tensors/json/json-reader';
import type { TensorSpec } from '../../tensors/tensor';
import { quote } from '../../tensors/json/json-fault';
import { BinaryPart } from './binary-data';
import { givenTwice, list, placed, calledBy } from './faults';
import { readOptional, NO_JSON_FP16 } from './json-values';
import { type BinaryInput, InputsReader, type ReadInputs } from './request-input';
import {
  defaultParameters,
  readRequestParameters,
  type RequestParameters,
  type OutputParameters,
  readOutputParameters,
} from './request-parameters';

/**
 * Reads the body of an inference request. Binary tensors are views of `body` where they are aligned, so it
 * must stay as it is until they have been read.
 * @param headerLength what `Inference-Header-Content-Length` says, the length in bytes of the JSON part: 0
 *   for a body that is one tensor, undefined without the header, when all of the body is JSON
 * @throws DomainError with a code of the kind "what the client sent"
 */
export function decodeV2(body: Buffer, headerLength: number | undefined, model: V2Model): V2Body {
  if (headerLength === 0) {
    return {
      id: undefined,
      inputs: readRawRequest(body, model.inputs),
      outputs: undefined,
      binaryOutputs: binaryForms(undefined, model.outputs, true),
      classes: undefined,
      priority: 0,
      timeoutMs: undefined,
    };
  }
  if (headerLength !== undefined && headerLength > body.length) {
    throw new DomainError(
      'body_truncated',
      `Inference-Header-Content-Length is ${headerLength}, but the body has ${body.length} bytes.`,
    );
  }
  const known = headerLength === undefined ? undefined : knownCall(body, headerLength, model);
  if (known !== undefined) return known;
  const { id, inputs, binaryInputs, outputs, parameters } = readRequest(body, headerLength, model);
  const names = outputs?.map(({ spec }) => spec.name);
  const { declared } = model;
  const answersDeclared =
    declared !== undefined && wantsDeclared(names, inputs.raw !== undefined, model.outputs, declared);
  const specs = answersDeclared ? declared.outputs : model.outputs;
  const call = {
    id,
    inputs: inputs.tensors ?? [],
    outputs: names,
    binaryOutputs: binaryForms(outputs, specs, parameters.binaryOutput ?? false),
    classes: outputs?.some(({ classes }) => classes !== undefined)
      ? outputs.map(({ classes }) => classes)
      : undefined,
    priority: parameters.priority,
    timeoutMs: parameters.timeoutMs,
  };
  if (declared !== undefined && (inputs.raw !== undefined || answersDeclared)) {
    const options = readOptions(parameters.options ?? {}, declared.options);
    return { ...call, declared: { inputs: inputs.raw ?? [], options, wantsTensors: !answersDeclared } };
  }
  if (headerLength !== undefined) keepHead(body, headerLength, model, binaryInputs, call);
  return call;
}

/** What the JSON of a request says, its inputs read. */
interface V2Request {
  readonly id: string | undefined;
  readonly parameters: Readonly<RequestParameters>;
  /** In the model's order. */
  readonly inputs: ReadInputs;
  /** Those of the inputs that came in binary, in the order of their bytes. */
  readonly binaryInputs: readonly BinaryInput[];
  /** Undefined: all that there are. */
  readonly outputs: readonly WantedOutput[] | undefined;
}

/**
 * Reads a request with a JSON part: `{id?, parameters?, inputs: [...], outputs?: [...]}`, its keys in any
 * order, unknown ones passed over.
 * @param jsonBytes the length of the JSON part; undefined when that is all of the body, as no header says
 */
function readRequest(body: Buffer, jsonBytes: number | undefined, model: V2Model): V2Request {
  const reader = new JsonReader(body, 0, jsonBytes ?? body.length);
  const binary = jsonBytes === undefined ? undefined : new BinaryPart(body, jsonBytes);
  const inputs = new InputsReader(reader, model, binary);
  let id: string | undefined;
  let parameters: RequestParameters | undefined;
  let outputs: WantedOutput[] | undefined;
  let hasInputs = false;
  let inputsAt: number | undefined;
  let key: string | undefined;
  try {
    reader.enterObject();
    for (key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      switch (key) {
        case 'id':
          if (id !== undefined) throw givenTwice(key, reader.position);
          id = readOptional(reader, () => reader.readString());
          break;
        case 'parameters':
          if (parameters !== undefined) throw givenTwice(key, reader.position);
          parameters = readRequestParameters(reader);
          break;
        case 'inputs':
          if (hasInputs) throw givenTwice(key, reader.position);
          hasInputs = true;
          if (parameters === undefined && inputs.wantsContentType) {
            inputsAt = reader.position;
            reader.skipValue();
          } else inputs.read(parameters?.contentType);
          break;
        case 'outputs':
          if (outputs !== undefined) throw givenTwice(key, reader.position);
          outputs = readOptional(reader, () => readOutputs(reader, outputsOf(model)));
          break;
        default:
          reader.skipValue();
      }
    }
    if (inputsAt !== undefined) {
      key = 'inputs';
      const back = reader.position;
      reader.seek(inputsAt);
      inputs.read(parameters?.contentType);
      reader.seek(back);
    }
  } catch (error) {
    // Its own parameters are told from others by that they stand for themselves.
    if (key === 'parameters' && error instanceof DomainError && error.message.startsWith('Parameter'))
      throw error;
    throw placed(error, key === undefined ? 'The request' : `The request's ${quote(key)}`);
  }
  reader.expectEnd();
  if (!hasInputs) {
    throw new DomainError(
      'missing_input',
      `The request has no "inputs"; the model takes ${list(model.inputs)}.`,
    );
  }
  binary?.expectEnd();
  return {
    id,
    parameters: parameters ?? defaultParameters(),
    inputs: inputs.finish(parameters?.contentType),
    binaryInputs: inputs.binaryInputs,
    // An empty list asks for nothing in particular, as everywhere in this protocol.
    outputs: outputs?.length === 0 ? undefined : outputs,
  };
}

/** All that a request may ask for. */
function outputsOf({ outputs, declared }: V2Model): readonly TensorSpec[] {
  return declared === undefined ? outputs : [...outputs, ...declared.outputs];
}

/** An output that a request asks for. */
interface WantedOutput {
  readonly spec: TensorSpec;
  /** In binary, or in JSON? Undefined where it leaves that to the request's parameters. */
  readonly binary: boolean | undefined;
  /** So many of its best classes instead; undefined for its values. */
  readonly classes: number | undefined;
}

/**
 * Reads a request's `outputs`.
 * @throws unknown_output; invalid_request for one without a name or given twice
 */
function readOutputs(reader: JsonReader, specs: readonly TensorSpec[]): WantedOutput[] {
  const wanted: WantedOutput[] = [];
  let number = 0;
  reader.enterArray();
  while (reader.nextElement()) {
    const output = readOutput(reader, specs, ++number);
    if (wanted.some(({ spec }) => spec === output.spec)) {
      throw new DomainError('invalid_request', `Output "${output.spec.name}" is asked for twice.`);
    }
    wanted.push(output);
  }
  return wanted;
}

function readOutput(reader: JsonReader, specs: readonly TensorSpec[], number: number): WantedOutput {
  let name: string | undefined;
  let parameters: OutputParameters | undefined;
  let key: string | undefined;
  try {
    reader.enterObject();
    for (key = reader.nextKey(); key !== undefined; key = reader.nextKey()) {
      switch (key) {
        case 'name':
          if (name !== undefined) throw givenTwice(key, reader.position);
          name = reader.readName();
          break;
        case 'parameters':
          if (parameters !== undefined) throw givenTwice(key, reader.position);
          parameters = readOutputParameters(reader);
          break;
        default:
          reader.skipValue();
      }
    }
  } catch (error) {
    throw placed(error, calledBy('Output', name, number), key);
  }
  if (name === undefined) {
    throw new DomainError(
      'invalid_request',
      `The output that ends at position ${reader.position} has no name.`,
    );
  }
  const spec = specs.find((candidate) => candidate.name === name);
  if (spec !== undefined) return { spec, binary: parameters?.binary, classes: parameters?.classes };
  throw new DomainError('unknown_output', `Unknown output ${quote(name)}; the model gives ${list(specs)}.`);
}

/**
 * Which of the outputs are answered in binary, in their order.
 * @param outputs those that the request names; undefined for all of the model's
 * @throws wrong_datatype for FP16 that would have to be JSON
 */
function binaryForms(
  outputs: readonly WantedOutput[] | undefined,
  specs: readonly TensorSpec[],
  binaryOutput: boolean,
): boolean[] {
  const forms: boolean[] = [];
  const count = outputs === undefined ? specs.length : outputs.length;
  for (let i = 0; i < count; i++) {
    const { name, datatype } = outputs?.[i]?.spec ?? specs[i]!;
    const binary = outputs?.[i]?.binary ?? binaryOutput;
    if (datatype === 'FP16' && !binary && outputs?.[i]?.classes === undefined) {
      throw new DomainError(
        'wrong_datatype',
        `Output "${name}": ${NO_JSON_FP16}; ask for it in binary, with parameters.binary_data of the output or parameters.binary_data_output of the request.`,
      );
    }
    forms.push(binary);
  }
  return forms;
}
