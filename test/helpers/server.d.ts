import { type ChildProcess } from 'node:child_process';
/** Where the shipped models are. */
export declare const MODELS: string;
export interface Answer<Body = Record<string, unknown>> {
    status: number;
    headers: Headers;
    body: Body;
}
/** A real server: the built `dist/main.js` in processes of its own, on a port of its own. */
export declare class TestServer {
    readonly process: ChildProcess;
    readonly port: number;
    /** Its working folder, home and folder for temporary files. */
    readonly folder: string;
    output: string;
    /** The exit code, or the signal's name, once the server is gone and all that it said is in `output`. */
    readonly exited: Promise<number | string>;
    readonly logDir: string;
    constructor(process: ChildProcess, port: number, 
    /** Its working folder, home and folder for temporary files. */
    folder: string);
    get url(): string;
    /** The processes that serve: the workers of a primary, or the one process itself. */
    workers(): number[];
    get<Body = Record<string, unknown>>(path: string, headers?: Record<string, string>): Promise<Answer<Body>>;
    /** Posts JSON: a string or bytes go as they are. */
    post<Body = Record<string, unknown>>(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer<Body>>;
    /** Waits until the probe answers 200, and no longer than the server lives. */
    ready(): Promise<void>;
    live(): Promise<void>;
    /** Waits until so many workers serve: the probe is content with one of them. */
    workersReady(count: number): Promise<void>;
    /** Waits until what it wrote to its console has this in it. */
    said(text: string): Promise<void>;
    /** Waits for a condition that only a running server can fulfil. */
    until(what: string, holds: () => boolean | Promise<boolean>): Promise<void>;
    /** Asks the server to stop, and waits until it has; its logs stay until the spec is over. */
    stop(signal?: NodeJS.Signals): Promise<number | string>;
    /** Ends it, with all that it started, if it still runs. */
    remove(): Promise<void>;
    private lastWords;
}
export declare function freePort(): Promise<number>;
/** Starts a server and returns at once. It runs in a folder of its own, so that no `.env` is found. */
export declare function spawnServer(env?: Record<string, string>): Promise<TestServer>;
/** Starts a server and waits until it is ready to serve. */
export declare function startServer(env?: Record<string, string>): Promise<TestServer>;
