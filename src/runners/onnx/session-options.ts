import type { Prepared } from './prepared/prepared';

/** How one session is made. */
export interface SessionOptions {
  /** Given to the runtime as a path, so that external data files are found beside it. */
  readonly modelFile: string;
  /** By which others know what the session runs: `<model>/<version>`. */
  readonly label?: string;
  /** Elements that an output of BYTES may have: each of them holds up the thread that takes it in. */
  readonly maxTexts?: number;
  /** Are collections to be cut off its end? Then the runtime gets the model's bytes, and its weights must be among them. */
  readonly cutCollections?: boolean;
  /** May it multiply eight-bit numbers? Then it is seen to that this CPU does so exactly. */
  readonly int8?: boolean;
  /** Threads that one operator may use; never 0, which the runtime takes for all cores of the host. */
  readonly intraOpThreads: number;
  /** Operators that may run side by side; above 1 the graph's branches run in parallel. */
  readonly interOpThreads: number;
  readonly graphOptimization: 'disabled' | 'basic' | 'extended' | 'all';
  /** A form of the model that is loaded in its place, and proved when it is. */
  readonly prepared?: Prepared;
  /** A folder where the runtime writes the model as it has it in memory by then. */
  readonly saveTo?: string;
  /** Is that to be one file of plain tensors, and not what its kernels want? */
  readonly saveWhole?: boolean;
  /** In order of preference; `cpu` takes what the others do not. */
  readonly executionProviders: readonly string[];
}
