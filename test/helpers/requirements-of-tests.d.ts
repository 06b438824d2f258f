export type Tool = 'chromium' | 'redis-server' | 'python3' | 'openssl' | 'curl' | 'prlimit';
/** The path of the tool's program; undefined when this machine has none. */
export declare function findTool(tool: Tool): string | undefined;
/**
 * A `describe` whose tests use a tool from outside the project, handed the path of its program. On a developer's
 * machine without it they are skipped and say so; where `CI` is set, the tool has to be there.
 */
export declare function describeWith(tool: Tool, name: string, tests: (program: string) => void): void;
export declare function isSet(variable: string | undefined): boolean;
