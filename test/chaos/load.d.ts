import type { Deaths } from './deaths';
/** What became of a request. `in-flight`: lost together with the killed worker that held it. */
export type Outcome = 'right' | 'refused' | 'in-flight' | 'fault';
export interface Settled {
    readonly outcome: Outcome;
    readonly tookMs: number;
    /** Why it was refused, or what is wrong. */
    readonly reason: string;
}
/** Requests at a steady rate, whatever becomes of those before, and none is ever sent again. */
export declare class ChaosLoad {
    private readonly port;
    private readonly random;
    private readonly deaths;
    /** The oldest version of the changing model that may answer what is sent from here on. */
    oldest: number;
    private readonly agent;
    private readonly pending;
    private settled;
    private readonly timer;
    constructor(port: number, ratePerSecond: number, random: (below: number) => number, deaths: Deaths);
    /** Waits for the answers to what was sent so far, and takes them. */
    take(): Promise<Settled[]>;
    /** Sends nothing more. */
    stop(): void;
    close(): void;
    private send;
    private exchange;
}
