import { MalformedMessage } from '../../../models/repository/onnx-file/protobuf-cursor';
import { OPTIMIZED } from '../../../models/loading/proven-answer';
import { UsageError } from '../../command';
import type { Model } from '../onnx/model';

export const FORMS = ['exact', 'row', 'static', 'half'] as const;
export type Form = (typeof FORMS)[number];

/** What a form is to people. */
export const FORM_NAMES: Readonly<Record<Form, string>> = {
  exact: 'exact rewrites',
  row: 'int8, each row by its own largest number',
  static: 'int8 convolutions by scales of the samples',
  half: 'weights in 16 bits',
};

export interface Wanted {
  readonly form: Form | undefined;
  readonly int8: boolean;
  readonly sizeOnly: boolean;
  readonly hasSamples: boolean;
}

const QUANTISED =
  /Integer$|^QLinear|QuantizeLinear$|^DynamicQuantize|NBits|^Q(Attention|Gemm|EmbedLayer)|Quantized/;

/** Why a model cannot be optimised at all. @throws UsageError */
export function refuseUnfit(model: Model, metadata: ReadonlyMap<string, string>): void {
  const refuse = (reason: string): never => {
    throw new UsageError(`It cannot be optimised: ${reason}.`);
  };
  if (metadata.has(OPTIMIZED)) refuse('`nestor optimize` made it already; optimise the original');
  const quantised = model.nodes.find(({ operator }) => QUANTISED.test(operator));
  if (quantised !== undefined)
    refuse(`it is quantised already (${quantised.operator}); optimise the original`);
  if (weightBytes(model, () => true) === 0) refuse('it has no weights of FP32');
}

/** Bytes of the float weights that such operators read. */
function weightBytes(model: Model, reads: (operator: string) => boolean): number {
  const names = new Set(model.nodes.flatMap((node) => (reads(node.operator) ? node.inputs : [])));
  let bytes = 0;
  for (const name of names) {
    const weight = model.floats(name) ?? model.weights.get(name);
    if (weight?.isFloat === true) bytes += weight.count * 4;
  }
  return bytes;
}

/** Which form fits, and why. @throws UsageError where none does */
export function chooseForm(
  model: Model,
  { form, int8, sizeOnly, hasSamples }: Wanted,
): { form: Form; why: string } {
  if (form !== undefined) {
    if (form === 'static' && !hasSamples)
      throw new UsageError('--form static needs --samples: its scales are theirs.');
    return { form, why: 'as asked for' };
  }
  if (sizeOnly) return { form: 'half', why: 'the file alone is to be smaller' };
  if (!int8) return { form: 'exact', why: 'the same answers, in less time' };
  const convolutions = weightBytes(model, (operator) => operator === 'Conv');
  const products = weightBytes(model, (operator) => operator === 'MatMul' || operator === 'Gemm');
  if (products + convolutions === 0)
    return {
      form: 'exact',
      why: 'it has neither products of matrices nor convolutions: the exact rewrites alone',
    };
  if (products >= convolutions)
    return { form: 'row', why: 'most of its weights are in products of matrices' };
  const swish = model.nodes.find(({ operator }) => operator === 'HardSwish' || operator === 'HardSigmoid');
  if (swish !== undefined)
    return {
      form: 'exact',
      why: `its convolutions lose too much in int8 (${swish.operator}): the exact rewrites alone`,
    };
  if (!hasSamples)
    throw new UsageError(
      'Its convolutions need --samples for int8: their scales come of what they are given.',
    );
  return { form: 'static', why: 'most of its weights are in convolutions' };
}

/** @throws UsageError for a file that is no model */
export async function orRefuse<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof MalformedMessage)) throw error;
    throw new UsageError(`It cannot be optimised: ${error.message}.`, { cause: error });
  }
}
