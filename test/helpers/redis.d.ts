/** A real Redis of one's own, without files. */
export declare class TestRedis {
    private readonly program;
    readonly port: number;
    private readonly settings;
    private process;
    private stopThis;
    private constructor();
    /** @param settings as on redis-server's command line: `--maxmemory`, `1mb` */
    static start(program: string, ...settings: string[]): Promise<TestRedis>;
    get url(): string;
    /** Starts it again, empty, where it was. */
    begin(): Promise<void>;
    /** Ends it at once. */
    kill(): Promise<void>;
    /** It takes connections and answers nothing. */
    freeze(): void;
    thaw(): void;
    /** What a command answers, by a connection that is not the server's. */
    command(...args: string[]): Promise<unknown>;
    keys(): Promise<string[]>;
}
/** A server on a port of its own, for what happens on the way to Redis. */
export declare class TestTcp {
    private readonly server;
    /** How long everything from the other side takes to get through, in milliseconds. */
    delayMs: number;
    private readonly sockets;
    private constructor();
    /** Passes everything on. */
    static proxy(targetPort: number): Promise<TestTcp>;
    /** Answers whatever comes with what it is given to say. */
    static talker(say: (request: Buffer) => Buffer | string | undefined): Promise<TestTcp>;
    get port(): number;
    get url(): string;
    get connections(): number;
    /** Breaks every connection, and takes new ones. */
    cut(): void;
    close(): Promise<void>;
    private static listen;
    private follow;
}
