/** Does the process run? One that has ended but is not yet reaped does not. */
export declare function isAlive(pid: number): boolean;
/** The processes that it started, and those that they did. */
export declare function descendantsOf(pid: number): number[];
export declare function childrenOf(pid: number): number[];
/** Time that the processes have computed so far, in milliseconds. */
export declare function cpuMs(pids: readonly number[]): number;
/** The memory that a process has in use, in bytes; Linux. */
export declare function residentBytes(pid: number): number;
