/** One line of Prometheus' text format. */
export interface Series {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
}
/** What `GET /metrics` answered. */
export declare class Exposition {
    readonly text: string;
    readonly series: readonly Series[];
    readonly types: ReadonlyMap<string, string>;
    constructor(text: string);
    /** The sum of all series of this name with these labels. */
    sum(name: string, labels?: Readonly<Record<string, string>>): number;
}
