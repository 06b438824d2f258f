import { DomainError } from '../../errors/domain-error';
import type { ModelProcessing } from '../../processing/model-processing';
import type { InputPlan } from '../../processing/plans';
import {
  bytesOfBase64,
  placeOf,
  type RawInput,
  type RawPiece,
  textOfBytes,
} from '../../processing/raw-input';
import { quote } from '../../tensors/json/json-fault';
import { inputFault } from './faults';
import type { Datatype, TensorData } from '../../tensors/datatype';
import { JsonWriter } from '../../tensors/json/json-writer';
import type { TensorSpec } from '../../tensors/tensor';
import type { DeclaredInput, V2Declaration } from './v2-call';

/** MLServer's word for a data frame, which a request is whose inputs are columns. */
export const COLUMNS = 'pd';

/** What a model declares, as far as this protocol carries it: pictures and texts, or the columns of a table. */
export function declarationOf({ pipeline }: ModelProcessing): V2Declaration {
  const inputs = pipeline.inputs.flatMap(({ plan }) => declaredInput(plan) ?? []);
  return {
    // All of them, as a request has to bring all.
    inputs: inputs.length === pipeline.inputs.length ? inputs : [],
    table: tableOf(pipeline.inputs),
    outputs: pipeline.outputTensors,
    options: pipeline.options,
  };
}

function tableOf([only, ...others]: ModelProcessing['pipeline']['inputs']): string | undefined {
  return only?.plan.type === 'table' && others.length === 0 ? only.plan.name : undefined;
}

function declaredInput(plan: InputPlan): DeclaredInput | undefined {
  const { name } = plan;
  switch (plan.type) {
    case 'image':
      return { spec: { name, datatype: 'BYTES', shape: [-1] }, media: 'image', contentType: 'image' };
    case 'text':
      return {
        spec: { name, datatype: 'BYTES', shape: plan.pairs ? [-1, 2] : [-1] },
        media: plan.pairs ? 'pairs' : 'text',
        contentType: 'str',
      };
    case 'table':
      return undefined;
  }
}

/** A declared input as it came: texts in JSON, bytes in binary. */
export interface GivenElements {
  readonly declared: DeclaredInput;
  readonly elements: readonly RawPiece[];
  /** What its parameters say; undefined where they leave it to those of the request, or to the model. */
  readonly contentType: string | undefined;
}

/**
 * The raw input in elements of BYTES. JSON has no bytes, so a picture is base64 there.
 * @param contentType what the request's parameters say
 * @throws invalid_request
 */
export function rawInputOf(
  { declared, elements, contentType: own }: GivenElements,
  contentType?: string,
): RawInput {
  const { spec, media } = declared;
  const said = own ?? contentType ?? declared.contentType;
  if (said !== 'base64' && said !== declared.contentType) {
    throw inputFault(
      'invalid_request',
      spec.name,
      `its content_type must be ${declared.contentType} or base64, got ${quote(said)}`,
    );
  }
  const pieces = elements.map((element, i): RawPiece => {
    const place = placeOf({ name: spec.name, isList: true }, i);
    const isBase64 = said === 'base64' || (media === 'image' && typeof element === 'string');
    const content = isBase64 ? bytesOfBase64(asText(element, place), `${place}: its text`) : element;
    return media === 'image' ? content : asText(content, place);
  });
  return { name: spec.name, media, pieces, isList: true };
}

/** A column as it came. */
export interface GivenColumn {
  readonly name: string;
  readonly datatype: Datatype;
  readonly data: TensorData;
  /** What its parameters say of its elements. */
  readonly contentType: string | undefined;
}

/**
 * Columns as the table that they are. Its reader holds them against what is declared, whichever datatypes they came in.
 * @throws invalid_request
 */
export function rawTableOf(name: string, columns: readonly GivenColumn[]): RawInput {
  const texts = columns.map((column) => `${JSON.stringify(column.name)}:${cellsOf(column)}`);
  return { name, media: 'json', pieces: [`{${texts.join(',')}}`], isList: true };
}

function cellsOf({ name, datatype, data, contentType = 'np' }: GivenColumn): string {
  const isBase64 = contentType === 'base64' && Array.isArray(data);
  if (!isBase64 && !['np', 'str', COLUMNS].includes(contentType)) {
    throw inputFault(
      'invalid_request',
      name,
      `its content_type must be np, str, or for texts base64, got ${quote(contentType)}`,
    );
  }
  if (Array.isArray(data)) {
    const place = (row: number): string => placeOf({ name, isList: true }, row);
    return JSON.stringify(
      isBase64
        ? data.map((text, row) => asText(bytesOfBase64(text, `${place(row)}: its text`), place(row)))
        : data,
    );
  }
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    // Beyond 2^53 as digits, as in every JSON here.
    const cell = (value: bigint): number | string =>
      Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    return JSON.stringify(Array.from(data, cell));
  }
  const writer = new JsonWriter();
  writer.tensorNested(data, datatype, [data.length]);
  return writer.finish().toString();
}

function asText(piece: RawPiece, place: string): string {
  return typeof piece === 'string' ? piece : textOfBytes(piece, place);
}

/**
 * Are the declared outputs meant, or the model's own?
 * @param names of the outputs that are asked for; undefined where none is named
 * @param isRaw does the request bring declared inputs?
 * @throws invalid_request for some of each
 */
export function wantsDeclared(
  names: readonly string[] | undefined,
  isRaw: boolean,
  outputs: readonly TensorSpec[],
  declared: V2Declaration,
): boolean {
  if (names === undefined) return isRaw;
  const isAmong = (specs: readonly TensorSpec[]): boolean =>
    names.every((name) => specs.some((spec) => spec.name === name));
  // A name that both have means what the inputs are.
  if (isAmong(isRaw ? declared.outputs : outputs)) return isRaw;
  if (isAmong(isRaw ? outputs : declared.outputs)) return !isRaw;
  throw new DomainError(
    'invalid_request',
    `The outputs asked for are some that are declared, and some of the model's own; ask for one kind.`,
  );
}
