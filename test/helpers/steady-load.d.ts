import type { TestServer } from './server';
/** Requests at a steady rate that are never sent again, each of which must be answered with 200, and right. */
export declare class SteadyLoad {
    private readonly pending;
    private readonly failed;
    private readonly timer;
    private count;
    private waiting;
    constructor(server: TestServer, path: string, body: unknown, isRight?: (answer: Record<string, unknown>) => boolean);
    /** Resolves when so many more requests were answered. */
    answered(count: number): Promise<void>;
    stop(): Promise<{
        failed: string[];
    }>;
}
