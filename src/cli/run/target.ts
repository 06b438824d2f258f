import type {
  BatchingDescription,
  PipelineDescription,
  TensorDescription,
} from '../../protocols/native/model-description';

/** Inputs as a call has them: nested arrays, tensors with their shapes, or declared ones, pictures and CSV in bytes. */
export type Inputs = Readonly<Record<string, unknown>>;

/** What a model takes and gives. */
export interface TargetModel {
  readonly name: string;
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  readonly pipeline: PipelineDescription | undefined;
  readonly batching: BatchingDescription | undefined;
}

/** A model that answers: in this process, or on a server. */
export interface Target {
  readonly model: TargetModel;
  /** Calls under way at the same time that keep it busy. */
  readonly callsAtOnce: number;
  /** @throws DomainError with the code that a client would get */
  infer(inputs: Inputs): Promise<Inputs>;
  /** So many rows of answers as lines, where they need not be values before. @throws DomainError */
  lines?(inputs: Inputs, rows: number): Promise<Buffer>;
  close(): Promise<void>;
}

/** Do all inputs and outputs have a dimension of rows, which do not meddle with each other? */
export function takesRows({ inputs, outputs, batching }: TargetModel): boolean {
  return batching?.enabled === true && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
}
