import { type IncomingMessage, type ServerResponse } from 'node:http';
export interface SeenRequest {
    readonly method: string;
    readonly path: string;
    readonly headers: IncomingMessage['headers'];
    readonly body: Buffer;
}
/** How a call is answered: a status and a body, or whatever the function does with the response. */
export type Behaviour = (res: ServerResponse, request: SeenRequest) => void;
/** Answers with JSON. */
export declare function json(value: unknown, status?: number, headers?: Record<string, string>): Behaviour;
/** What the model of `RemoteServer` takes and gives. */
export declare const METADATA: {
    name: string;
    versions: string[];
    platform: string;
    inputs: {
        name: string;
        datatype: string;
        shape: number[];
    }[];
    outputs: {
        name: string;
        datatype: string;
        shape: number[];
    }[];
};
/** An answer of the model for so many rows. */
export declare function goodAnswer(rows?: number, first?: number): object;
/** A real HTTP server that speaks enough of the Open Inference Protocol, and misbehaves on `infer` as it is told. */
export declare class RemoteServer {
    private readonly server;
    readonly seen: SeenRequest[];
    infer: Behaviour;
    ready: Behaviour;
    extensions: string[];
    metadata: unknown;
    private readonly sockets;
    private constructor();
    static start(port?: number): Promise<RemoteServer>;
    get port(): number;
    get url(): string;
    get connections(): number;
    /** The calls of the model, without questions about it. */
    get calls(): SeenRequest[];
    /** Closes it with all its connections, as a process that is killed does. */
    stop(): Promise<void>;
    private handle;
}
/** Waits for what other processes and sockets bring about. */
export declare function until(holds: () => boolean): Promise<void>;
/**
 * A port that takes no connection and refuses none: a listener that never accepts, its queue full.
 * @returns its URL, and what ends it
 */
export declare function blackHole(): Promise<{
    url: string;
    close(): Promise<void>;
}>;
