/** What a PromQL expression refers to, as far as a test of dashboards needs to know. */
export interface PromqlUse {
    readonly metrics: readonly {
        readonly name: string;
        readonly labels: readonly string[];
    }[];
    /** Labels that are grouped or matched by, outside of selectors. */
    readonly labels: readonly string[];
}
/** Reads an expression. @throws where brackets or strings do not close, or a function is not known */
export declare function readPromql(expression: string): PromqlUse;
