import { DomainError } from '../../errors/domain-error';
import type { ModelProcessing } from '../../processing/model-processing';
import type { InputPlan } from '../../processing/plans';
import { bytesOfBase64, placeOf, type RawInput, type RawPiece, textOfUtf8 } from '../../processing/raw-input';
import { quote } from '../../tensors/json/json-fault';
import { inputFault } from './faults';
import type { TensorSpec } from '../../tensors/tensor';
import type { DeclaredInput, V2Declaration, V2Model } from './v2-call';

/** What a model declares, as far as this protocol carries it: pictures and texts. Rows of tables go as tensors. */
export function declarationOf({ pipeline }: ModelProcessing): V2Declaration {
  const inputs = pipeline.inputs.flatMap(({ plan }) => declaredInput(plan) ?? []);
  return {
    // All of them, as a request has to bring all.
    inputs: inputs.length === pipeline.inputs.length ? inputs : [],
    outputs: pipeline.outputTensors,
    options: pipeline.options,
  };
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

function asText(piece: RawPiece, place: string): string {
  return typeof piece === 'string' ? piece : textOfUtf8(piece, place);
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
  { outputs, declared }: V2Model,
): boolean {
  if (declared === undefined || names === undefined) return isRaw;
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
