import { Tensor } from './tensor.js';
export interface NestorOptions {
    /** An API key or a token. */
    readonly key?: string;
    /** For one call with all its tries; default 60,000. */
    readonly timeoutMs?: number;
    /** How often a call that was refused for the moment (429, 503) or lost is made again; default 3. */
    readonly retries?: number;
    /** API_PREFIX of the server; default `/api`. */
    readonly prefix?: string;
    /** In place of the global one. */
    readonly fetch?: typeof fetch;
}
export interface CallOptions {
    readonly version?: string;
    /** Names of the outputs that are wanted; left out: all. */
    readonly outputs?: readonly string[];
    /** 1, most urgent, to 10. */
    readonly priority?: number;
    /** `false` leaves the prediction cache out. */
    readonly cache?: boolean;
    readonly timeoutMs?: number;
    readonly signal?: AbortSignal;
}
/** What `nestor types` prints. */
export type ModelTypes = Record<string, {
    inputs: object;
    outputs: object;
}>;
export interface Answer<Outputs> {
    readonly outputs: Outputs;
    readonly model: string;
    readonly version: string;
    readonly cached: boolean;
}
type Inputs<Models, Name> = Name extends keyof Models ? Models[Name] extends {
    inputs: infer Typed;
} ? {
    [K in keyof Typed]: Typed[K] | Tensor | Blob;
} : never : never;
type Outputs<Models, Name> = Name extends keyof Models ? Models[Name] extends {
    outputs: infer Typed;
} ? Typed : never : never;
/** A server. `new Nestor<Models>(url)` knows the models whose types `nestor types` has printed. */
export declare class Nestor<Models extends object = Record<string, {
    inputs: Record<string, unknown>;
    outputs: Record<string, unknown>;
}>> {
    private readonly options;
    private readonly url;
    private readonly fetch;
    constructor(url: string, options?: NestorOptions);
    /**
     * Runs a model. Nested arrays, texts and pictures (a `Blob`) go as JSON; where one input is a `Tensor`, all must be,
     * and the outputs are tensors, too.
     * @throws NestorError with the server's code
     */
    infer<Name extends keyof Models & string>(model: Name, inputs: Inputs<Models, Name>, options?: CallOptions): Promise<Answer<Outputs<Models, Name>>>;
    /** The models of the server, as `GET {prefix}/inference/models` lists them. */
    models(options?: CallOptions): Promise<readonly {
        name: string;
        state: string;
        version?: string;
    }[]>;
    /** Does the server take requests? */
    ready(): Promise<boolean>;
    private get prefix();
    private inferJson;
    private inferTensors;
    /** One call with its tries. The server is told how much time is left, so that it does no work in vain. */
    private call;
    private attempt;
}
export {};
