import type { FileStamp } from '../../common/file-stamp';
import type { ThreadRecord } from '../../process/run-record';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import type { SessionOptions } from './session-options';

/**
 * How the main thread and a session thread talk. The thread does one thing at a time, and is told of the next when it
 * has answered the last. Small tensors lie in two blocks of shared memory, one for
 * inputs and one for outputs (`tensor-block.ts`). The main thread wakes the other one through a word of
 * shared memory and is woken by an empty message. What does not fit, text, and everything that happens
 * once, travels in messages.
 */
export interface ThreadData {
  /** 0 leaves the thread's priority alone. */
  readonly niceness: number;
  /** Two of `Int32`: a `Signal`, on which the thread waits, and the number of the session that it is about. */
  readonly signal: SharedArrayBuffer;
  readonly inputs: SharedArrayBuffer;
  readonly outputs: SharedArrayBuffer;
  readonly record?: ThreadRecord;
}

/** What the thread finds when it wakes. */
export const Signal = {
  none: 0,
  /** The inputs of a run are in their block. */
  run: 1,
  /** A `ToThread` message waits in the port. */
  message: 2,
} as const;

/**
 * Size of each of the two blocks. Larger tensors travel in a buffer of their own that is transferred, which
 * from here on costs less than copying (measured), and a giant request leaves no giant block behind.
 */
export const BLOCK_BYTES = 256 << 10;

/** What is known of a session once it is loaded. */
export interface SessionSignature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** A session is loaded. */
export interface Loaded {
  readonly kind: 'ready';
  readonly signature: SessionSignature;
  /** CPU time that the load took, where the system tells; else by the clock on the wall. */
  readonly ms: number;
}

export type ToThread =
  | RunMessage
  | {
      readonly kind: 'open';
      readonly session: number;
      readonly options: SessionOptions;
      /** What the model's files have to be, before and after. */
      readonly stamp: FileStamp | undefined;
    }
  | { readonly kind: 'close'; readonly session: number }
  /** Gives every session back; the thread ends. */
  | { readonly kind: 'end' };

/** A run whose inputs are not all in the shared block. */
export interface RunMessage {
  readonly kind: 'run';
  readonly session: number;
  /** The numeric inputs, as a block; left out when they are in the shared one. */
  readonly memory?: ArrayBuffer;
  /** The data of the BYTES inputs, by position among all inputs; left out when the model has none. */
  readonly texts?: readonly (string[] | undefined)[];
}

/** The run is done and its outputs are in their block. */
export const RAN = null;

export type FromThread =
  | typeof RAN
  /** Said first. @see SessionThread.started */
  | {
      readonly kind: 'started';
      /** The number under which Linux knows the thread. */
      readonly threadId: number | undefined;
    }
  /** The same for a run whose inputs came in a buffer of their own, which goes back. */
  | { readonly kind: 'ran'; readonly memory: ArrayBuffer }
  | Loaded
  | { readonly kind: 'load-failed'; readonly reason: string }
  | { readonly kind: 'closed' }
  /** Outputs that are text, or too large for the block; their buffers are transferred. */
  | { readonly kind: 'outputs'; readonly outputs: Tensor[]; readonly memory?: ArrayBuffer }
  | {
      readonly kind: 'run-failed';
      readonly reason: string;
      /** Did it run well, and gave more than is wanted? */
      readonly tooLarge?: boolean;
      readonly memory?: ArrayBuffer;
    };

const MAX_SPARE = 64;

/** Of threads that are gone. The collector would find them late: it hardly sees shared memory. */
const spare: SharedArrayBuffer[] = [];

/** Memory that a thread and its main side share. What is in it is anybody's. */
export function takeBlock(): SharedArrayBuffer {
  return spare.pop() ?? new SharedArrayBuffer(BLOCK_BYTES);
}

/** Takes back memory that nobody looks at any more. */
export function giveBlockBack(block: SharedArrayBuffer): void {
  if (spare.length < MAX_SPARE) spare.push(block);
}
