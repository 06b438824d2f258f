import type { TestServer } from '../helpers/server';
/** The model that the disturbances change; its version `n` adds `n`. */
export declare const CHANGING = "bias";
/** A model that nobody touches. */
export declare const CONSTANT = "same";
/** One request, and what a right answer to it is. */
export interface Call {
    readonly path: string;
    readonly body: string;
    /** @returns what is wrong with the answer's body; undefined when it is right */
    fault(answer: unknown): string | undefined;
}
type Random = (below: number) => number;
/**
 * A request drawn by lot: to either model by either protocol. There are few different ones, so that some
 * answers come from the cache.
 * @param oldest the oldest version that may still answer
 */
export declare function drawCall(random: Random, oldest: number): Call;
/** Loads the changing model on the whole server; gives the status and the error, if any. */
export declare function load(server: TestServer): Promise<{
    status: number;
    error: string;
}>;
export {};
