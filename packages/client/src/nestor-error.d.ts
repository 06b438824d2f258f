/** A call that was not answered with a result. */
export declare class NestorError extends Error {
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number;
    /** The server's stable code, such as `shape_mismatch`; `no_answer`, `deadline_exceeded` or `bad_answer` from here. */
    readonly code: string;
    /** To be found in the server's log. */
    readonly requestId?: string | undefined;
    readonly name = "NestorError";
    constructor(message: string, 
    /** The HTTP status; 0 where there was no answer. */
    status: number, 
    /** The server's stable code, such as `shape_mismatch`; `no_answer`, `deadline_exceeded` or `bad_answer` from here. */
    code: string, 
    /** To be found in the server's log. */
    requestId?: string | undefined, options?: ErrorOptions);
}
