import type { Settled } from './load';
/** What one disturbance cost. */
export interface Row {
    readonly disturbance: string;
    readonly requests: number;
    readonly right: number;
    readonly refused: number;
    /** Lost with the killed worker in which they were in flight. */
    readonly lostInFlight: number;
    /** Whatever else became of a request: there should be none. */
    readonly faults: number;
    readonly p99Ms: number;
    readonly slowestMs: number;
    /** From the blow, or from the moment its cause was gone, until every worker served again. */
    readonly fullStrengthMs: number;
    /** What the disturbance itself found wrong, such as a load that should have been refused. */
    readonly error: string;
    /** How often each reason was given. */
    readonly reasons: Readonly<Record<string, number>>;
}
export declare function rowOf(disturbance: string, settled: readonly Settled[], fullStrengthMs: number, error?: string): Row;
/** For people; the rows themselves are for programs. */
export declare function tableOf(rows: readonly Row[]): string;
/** The reasons that were given, for who wants to know why. */
export declare function reasonsOf(rows: readonly Row[]): string;
