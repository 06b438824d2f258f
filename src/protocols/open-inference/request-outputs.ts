import { DomainError } from '../../errors/domain-error';
import { quote } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import type { TensorSpec } from '../../tensors/tensor';
import { calledBy, givenTwice, list, placed } from './faults';
import { NO_JSON_FP16 } from './json-values';
import { type OutputParameters, readOutputParameters } from './request-parameters';

/** An output that a request asks for. */
export interface WantedOutput {
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
export function readOutputs(reader: JsonReader, specs: readonly TensorSpec[]): WantedOutput[] {
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
export function binaryForms(
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
