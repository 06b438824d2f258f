/** What a spec tells a forked worker of the log to do. */
export interface LogWork {
    worker: number;
    /** Every fifth is an application line, every fiftieth an error; the others are access lines. */
    lines: number;
    ending: 'close' | 'exit' | 'crash';
}
