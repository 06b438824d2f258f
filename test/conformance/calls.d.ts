import type { Tensor, TensorSpec } from '../../src/tensors/tensor';
import type { TestServer } from '../helpers/server';
/** Runs a model on a server by one of its protocols. What the server does not answer with 200 is thrown. */
type Call = (server: TestServer, model: string, inputs: readonly Tensor[], outputs: readonly TensorSpec[]) => Promise<Tensor[]>;
/** The ways to ask; FP16 has no JSON in the second protocol, so there it goes by the binary one alone. */
export declare const CALLS: Record<string, Call>;
export {};
