/** Which of the processes holds the server's end of each connection to `serverPort`, by the client's port. */
export declare function holdersOf(serverPort: number, pids: readonly number[]): Map<number, number>;
