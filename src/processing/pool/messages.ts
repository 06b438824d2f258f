import type { ErrorFields } from '../../errors/domain-error';
import type { ThreadRecord } from '../../process/run-record';
import type { Tensor } from '../../tensors/tensor';
import type { RequestOptions } from '../options';
import type { InputPlan, OutputPlan } from '../plans';
import type { InputContext, Prepared, RunFreedom } from '../prepared';
import type { RawInput } from '../raw-input';
import type { TableLimits } from '../table/prepare-table';

/** What a processing thread is started with. */
export interface ThreadSetup {
  readonly niceness: number;
  readonly limits: ProcessingLimits;
  /** Where it notes what it works on: a place for each thing that it does at a time. */
  readonly records: readonly ThreadRecord[];
}

export interface ProcessingLimits {
  /** Of one picture. */
  readonly maxImagePixels: number;
  /** Decoded pictures that one thread holds at a time; one always has room. */
  readonly imageBytes: number;
  /** Pictures or texts of one request. */
  readonly maxInputs: number;
  readonly tables: TableLimits;
}

/** What a processing thread is asked; each is answered once by a `Reply` of the same id, but for `close`. */
export type Ask =
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly pipeline: number;
      readonly inputs: readonly InputPlan[];
      readonly outputs: readonly OutputPlan[];
      /** Of the version that it is of, in the record of runs. */
      readonly label: string;
    }
  | {
      readonly kind: 'prepare';
      readonly id: number;
      readonly pipeline: number;
      readonly raw: readonly RawInput[];
      readonly options: RequestOptions;
      readonly freedom: RunFreedom;
      /** How long it may take from now on; clocks of threads differ. */
      readonly withinMs: number;
    }
  | {
      readonly kind: 'finish';
      readonly id: number;
      readonly pipeline: number;
      readonly outputs: readonly Tensor[];
      readonly contexts: readonly InputContext[];
      readonly options: RequestOptions;
    }
  | { readonly kind: 'close'; readonly pipeline: number };

export interface ReplyOf {
  readonly open: undefined;
  readonly prepare: Prepared;
  readonly finish: readonly Tensor[];
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: ReplyOf[keyof ReplyOf] }
  | ({ readonly id: number; readonly ok: false } & ErrorFields);
