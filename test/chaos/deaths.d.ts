/** Where a request was when it was lost. */
export interface Whereabouts {
    readonly port: number | undefined;
    readonly sentMs: number;
    readonly lostMs: number;
}
/** The workers that the suite brings to their end, and so the requests that may be lost. */
export declare class Deaths {
    private readonly serverPort;
    private readonly deaths;
    constructor(serverPort: number);
    /** Notes who holds which connection, before the blow falls. Best while the victim is stopped. */
    expect(pid: number, workers: readonly number[]): void;
    /** Waits until the process is gone. A zombie's threads may still hold its connections; one that is reaped has none. */
    gone(pid: number, limitMs?: number): Promise<void>;
    /** It survived what was to kill it. */
    spared(pid: number): void;
    /**
     * Was the request in flight in a worker that was killed? The connection says it; one that was opened after the
     * blow was prepared says nothing, and then the time has to do: in flight while the worker died.
     */
    explain({ port, sentMs, lostMs }: Whereabouts): boolean;
    /** For whoever looks for the cause of a loss that is not explained. */
    describe({ port, sentMs, lostMs }: Whereabouts): string;
}
