/** What `npm run test:chaos` was told, by way of the environment. */
export interface ChaosOptions {
    readonly seed: number;
    /** Requests a second. */
    readonly rate: number;
    /** How long to go on; 0: every disturbance once. */
    readonly seconds: number;
    /** Where the figures go, for programs. */
    readonly json: string | undefined;
    /** Where all that the server said goes. */
    readonly log: string | undefined;
}
export declare function optionsOf(environment: NodeJS.ProcessEnv): ChaosOptions;
