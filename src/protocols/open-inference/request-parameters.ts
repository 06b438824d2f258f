import { DomainError } from '../../errors/domain-error';
import { LOWER_F, LOWER_T } from '../../tensors/numbers/ascii';
import { kindOf } from '../../tensors/json/json-fault';
import type { JsonReader } from '../../tensors/json/json-reader';
import { PRIORITY_LEVELS } from '../../scheduling/priority';
import { readOptional, readWholeNumber } from './json-values';

/** What the parameters of a whole request ask for. */
export interface RequestParameters {
  /** 1 is the most urgent; 0 is the default, in Triton's convention. */
  priority: number;
  /** Undefined: the server's. */
  timeoutMs: number | undefined;
  /** Are outputs binary where they do not say? */
  binaryOutput: boolean | undefined;
}

const DEFAULT: Readonly<RequestParameters> = {
  priority: 0,
  timeoutMs: undefined,
  binaryOutput: undefined,
};

/**
 * The request's own `parameters`; those that mean nothing here are passed over.
 * @throws invalid_request
 */
export function readRequestParameters(reader: JsonReader): RequestParameters {
  const parameters = { ...DEFAULT };
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
      default:
        return false;
    }
  });
  return parameters;
}

export function defaultParameters(): RequestParameters {
  return { ...DEFAULT };
}

/** How many bytes an input's parameters say that its binary data has; undefined when it is JSON. */
export function readInputParameters(reader: JsonReader): number | undefined {
  let sizeBytes: number | undefined;
  readParameters(reader, (name) => {
    if (name !== 'binary_data_size') return false;
    sizeBytes = readWholeNumber(reader, 'Parameter "binary_data_size"', Number.MAX_SAFE_INTEGER);
    return true;
  });
  return sizeBytes;
}

/** Whether an output's parameters ask for binary data, or for JSON; undefined when they leave it open. */
export function readOutputParameters(reader: JsonReader): boolean | undefined {
  let binary: boolean | undefined;
  readParameters(reader, (name) => {
    if (name !== 'binary_data') return false;
    binary = readBoolean(reader, name);
    return true;
  });
  return binary;
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

function readBoolean(reader: JsonReader, name: string): boolean {
  const first = reader.peek();
  if (first === LOWER_T || first === LOWER_F) return reader.readBoolean();
  throw new DomainError(
    'invalid_request',
    `Parameter "${name}" at position ${reader.position}: expected true or false, found ${kindOf(first) ?? 'no value'}.`,
  );
}
