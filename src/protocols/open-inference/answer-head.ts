import type { Datatype } from '../../tensors/datatype';
import { isSameShape, type Shape } from '../../tensors/shape';
import type { Tensor } from '../../tensors/tensor';

/** What of an answer its head depends on, besides how many bytes each output has. */
interface Answer {
  readonly model: string;
  readonly version: string;
  readonly outputs: readonly Tensor[];
}

/** Models whose last head is kept. */
const MOST_MODELS = 256;

interface KnownOutput {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: Shape;
  readonly sizeBytes: number;
}

/** The JSON part of an answer whose outputs are all binary, and what it says. */
interface AnswerHead {
  readonly bytes: Buffer;
  readonly version: string;
  readonly outputs: readonly KnownOutput[];
}

/** The last one of each model: mostly its next answer says the same, but for the data. */
const heads = new Map<string, AnswerHead>();

/** @param binary the bytes of each output */
export function knownAnswerHead(answer: Answer, binary: readonly Buffer[]): Buffer | undefined {
  const head = heads.get(answer.model);
  return head !== undefined && isSame(head, answer, binary) ? head.bytes : undefined;
}

export function keepAnswerHead(answer: Answer, binary: readonly Buffer[], bytes: Buffer): void {
  if (heads.size >= MOST_MODELS && !heads.has(answer.model)) heads.clear();
  heads.set(answer.model, {
    // Of its own: as a part of the memory in which answers are written it would keep all of that.
    bytes: Buffer.from(bytes),
    version: answer.version,
    outputs: answer.outputs.map(({ name, datatype, shape }, i) => ({
      name,
      datatype,
      shape,
      sizeBytes: binary[i]!.length,
    })),
  });
}

function isSame({ version, outputs }: AnswerHead, answer: Answer, binary: readonly Buffer[]): boolean {
  if (version !== answer.version || outputs.length !== answer.outputs.length) return false;
  for (let i = 0; i < outputs.length; i++) {
    const known = outputs[i]!;
    const { name, datatype, shape } = answer.outputs[i]!;
    if (known.name !== name || known.datatype !== datatype || known.sizeBytes !== binary[i]!.length)
      return false;
    if (!isSameShape(known.shape, shape)) return false;
  }
  return true;
}
