import { DomainError } from '../../errors/domain-error';
import { LOWER_F, LOWER_T, QUOTE } from '../../tensors/numbers/ascii';
import { kindOf } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import { isOptionName } from '../../processing/options';
import { PRIORITY_LEVELS } from '../../scheduling/scheduled-request';
import { readOptional, readWholeNumber } from './json-values';

/** What the parameters of a whole request ask for. */
export interface RequestParameters {
  /** 1 is the most urgent; 0 is the default, in Triton's convention. */
  priority: number;
  /** Undefined: the server's. */
  timeoutMs: number | undefined;
  /** Are outputs binary where they do not say? */
  binaryOutput: boolean | undefined;
  /** What elements of declared inputs are, where these do not say. */
  contentType: string | undefined;
  /** Options of declared inputs and outputs, not yet held against what the model has. */
  options: Record<string, unknown> | undefined;
}

/** MLServer's word. */
const CONTENT_TYPE = 'content_type';

/** Each is a text of its own, and is looked for by going through those before it. */
const MOST_CLASSES = 100;

/**
 * The request's own `parameters`; those that mean nothing here are passed over.
 * @throws invalid_request
 */
export function readRequestParameters(reader: JsonReader): RequestParameters {
  const parameters = defaultParameters();
  readParameters(reader, (name) => {
    switch (name) {
      case 'priority':
        parameters.priority = readWholeNumber(reader, 'Parameter "priority"', PRIORITY_LEVELS);
        return true;
      case 'timeout': {
        const timeoutUs = readWholeNumber(
          reader,
          'Parameter "timeout" (in microseconds)',
          Number.MAX_SAFE_INTEGER,
        );
        parameters.timeoutMs = timeoutUs === 0 ? undefined : timeoutUs / 1000;
        return true;
      }
      case 'binary_data_output':
        parameters.binaryOutput = readBoolean(reader, name);
        return true;
      case CONTENT_TYPE:
        parameters.contentType = readText(reader, name);
        return true;
      case 'sequence_id':
      case 'sequence_start':
      case 'sequence_end': {
        const value = reader.readValue(0);
        refuseSequence(name, value === 0 || value === '' || value === false);
        return true;
      }
      default:
        refuseSharedMemory(name);
        if (!isOptionName(name)) return false;
        (parameters.options ??= {})[name] = reader.readValue();
        return true;
    }
  });
  return parameters;
}

export function defaultParameters(): RequestParameters {
  return {
    priority: 0,
    timeoutMs: undefined,
    binaryOutput: undefined,
    contentType: undefined,
    options: undefined,
  };
}

/** What an input's parameters say. */
export interface InputParameters {
  /** How many bytes its binary data has; undefined when it is JSON. */
  sizeBytes: number | undefined;
  /** What the elements of a declared input are. */
  contentType: string | undefined;
}

export function readInputParameters(reader: JsonReader): InputParameters {
  const parameters: InputParameters = { sizeBytes: undefined, contentType: undefined };
  readParameters(reader, (name) => {
    refuseSharedMemory(name);
    switch (name) {
      case 'binary_data_size':
        parameters.sizeBytes = readWholeNumber(
          reader,
          'Parameter "binary_data_size"',
          Number.MAX_SAFE_INTEGER,
        );
        return true;
      case CONTENT_TYPE:
        parameters.contentType = readText(reader, name);
        return true;
      default:
        return false;
    }
  });
  return parameters;
}

/** What an output's parameters ask for. */
export interface OutputParameters {
  /** Binary data, or JSON? Undefined when they leave it open. */
  binary: boolean | undefined;
  /** So many of its best classes in place of its values; undefined for the values. */
  classes: number | undefined;
}

export function readOutputParameters(reader: JsonReader): OutputParameters {
  const parameters: OutputParameters = { binary: undefined, classes: undefined };
  readParameters(reader, (name) => {
    refuseSharedMemory(name);
    switch (name) {
      case 'binary_data':
        parameters.binary = readBoolean(reader, name);
        return true;
      case 'classification':
        // 0 is none, as where it is left out.
        parameters.classes = readWholeNumber(reader, 'Parameter "classification"', MOST_CLASSES) || undefined;
        return true;
      default:
        return false;
    }
  });
  return parameters;
}

/** Data would be looked for, or left, where this server has none. */
function refuseSharedMemory(name: string): void {
  if (!name.startsWith('shared_memory_')) return;
  throw new DomainError('invalid_request', `Parameter "${name}": shared memory is not implemented.`);
}

/**
 * Requests of a sequence go to one instance that keeps its state: none does that here.
 * @param isNeutral says the value that no sequence is meant?
 */
function refuseSequence(name: string, isNeutral: boolean): void {
  if (isNeutral) return;
  throw new DomainError('invalid_request', `Parameter "${name}": sequences are not implemented.`);
}

/** Goes through an object of parameters; `take` reads those that it knows. `null` is an empty one. */
function readParameters(reader: JsonReader, take: (name: string) => boolean): void {
  readOptional(reader, () => {
    reader.enterObject();
    for (let name = reader.nextKey(); name !== undefined; name = reader.nextKey()) {
      const isNull = readOptional(reader, () => true) === undefined;
      if (!isNull && !take(name)) reader.skipValue();
    }
  });
}

function readText(reader: JsonReader, name: string): string {
  if (reader.peek() === QUOTE) return reader.readString();
  throw new DomainError(
    'invalid_request',
    `Parameter "${name}" at position ${reader.position}: expected a text, found ${kindOf(reader.peek()) ?? 'no value'}.`,
  );
}

function readBoolean(reader: JsonReader, name: string): boolean {
  const first = reader.peek();
  if (first === LOWER_T || first === LOWER_F) return reader.readBoolean();
  throw new DomainError(
    'invalid_request',
    `Parameter "${name}" at position ${reader.position}: expected true or false, found ${kindOf(first) ?? 'no value'}.`,
  );
}
