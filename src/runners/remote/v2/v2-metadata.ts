import { DomainError } from '../../../errors/domain-error';
import { isDatatype } from '../../../tensors/datatype';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../config/yaml/json-value';
import { JsonReader } from '../../../tensors/json/json-reader';
import type { TensorSpec } from '../../../tensors/tensor';

/** What a model takes and gives. */
export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

const MAX_TENSORS = 256;
const MAX_RANK = 32;

/**
 * Reads the metadata of a model, as `GET /v2/models/{model}` answers it.
 * @throws DomainError `bad_upstream` for what is no metadata, and for tensors that cannot be served here
 */
export function parseMetadata(body: Buffer): Signature {
  const metadata = parse(body);
  return { inputs: tensors(metadata.inputs, 'input'), outputs: tensors(metadata.outputs, 'output') };
}

/** The extensions that `GET /v2` names. */
export function parseExtensions(body: Buffer): readonly string[] {
  const { extensions } = parse(body);
  return Array.isArray(extensions) ? extensions.filter((name) => typeof name === 'string') : [];
}

function parse(body: Buffer): Partial<JsonObject> {
  const reader = new JsonReader(body);
  const value = reader.readValue();
  reader.expectEnd();
  if (isJsonObject(value)) return value;
  throw new DomainError('bad_upstream', 'it is no JSON object');
}

function tensors(value: JsonValue | undefined, kind: 'input' | 'output'): TensorSpec[] {
  const all: readonly JsonValue[] = Array.isArray(value) ? value : [];
  // A server that takes pictures and texts as well lists them with the model's own tensors, which it marks.
  const marked = all.filter(isRaw);
  const own = marked.length > 0 ? marked : all;
  if (own.length === 0 || own.length > MAX_TENSORS) {
    throw new DomainError('bad_upstream', `it names no ${kind}s, or more than ${MAX_TENSORS}`);
  }
  const specs = own.map((item) => tensor(item, kind));
  if (new Set(specs.map(({ name }) => name)).size === specs.length) return specs;
  throw new DomainError('bad_upstream', `it names an ${kind} twice`);
}

function isRaw(value: JsonValue): boolean {
  const { parameters = null } = partsOf(value);
  return partsOf(parameters).raw === true;
}

function partsOf(value: JsonValue): Partial<JsonObject> {
  return isJsonObject(value) ? value : {};
}

function tensor(value: JsonValue, kind: string): TensorSpec {
  const { name, datatype, shape } = partsOf(value);
  if (typeof name !== 'string' || name === '')
    throw new DomainError('bad_upstream', `it has an ${kind} without a name`);
  if (typeof datatype !== 'string' || !isDatatype(datatype)) {
    throw new DomainError(
      'bad_upstream',
      `its ${kind} ${JSON.stringify(name)} has a datatype that is not served here`,
    );
  }
  const sizes = Array.isArray(shape) ? shape.map((size) => (size === null ? NaN : Number(size))) : undefined;
  const sane = sizes?.length !== undefined && sizes.length <= MAX_RANK;
  if (!sane || !sizes.every((size) => Number.isSafeInteger(size) && size >= -1)) {
    throw new DomainError('bad_upstream', `its ${kind} ${JSON.stringify(name)} has no shape`);
  }
  return { name, datatype, shape: sizes };
}
