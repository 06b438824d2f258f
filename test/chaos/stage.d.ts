import type { TestRedis } from '../helpers/redis';
import type { TestServer } from '../helpers/server';
import type { ChangingModel } from './changing-model';
import type { Deaths } from './deaths';
import type { ChaosLoad } from './load';
/** What a disturbance has in its hands. */
export declare class Stage {
    readonly server: TestServer;
    private readonly managementPort;
    readonly size: number;
    readonly model: ChangingModel;
    readonly load: ChaosLoad;
    readonly deaths: Deaths;
    readonly redis: TestRedis | undefined;
    private readonly random;
    private struckMs;
    constructor(server: TestServer, managementPort: number, size: number, model: ChangingModel, load: ChaosLoad, deaths: Deaths, redis: TestRedis | undefined, random: (below: number) => number);
    get primary(): number;
    draw<T>(from: readonly T[]): T;
    victim(): number;
    /** From here on the time until full strength counts. */
    strike(): void;
    /** Waits until every worker serves again; how long that took since the strike, in milliseconds. */
    fullStrength(): Promise<number>;
    allNew(before: readonly number[]): Promise<void>;
    /** Ends a worker by a signal. It stands still while its connections are looked up, so none is overlooked. */
    kill(signal: NodeJS.Signals): Promise<void>;
    /** Deploys the next version on the whole server. */
    deploy(): Promise<void>;
    /** Has the whole server load what was deployed. Once it says so, no older version may answer. */
    tryLoad(): Promise<boolean>;
    /** A load must be refused, with a reason. */
    loadInVain(expected: readonly number[]): Promise<void>;
    /** Lowers a limit of a running process, such as `nofile`. Returns what puts it back. */
    limit(pid: number, resource: string, value: number): Promise<() => Promise<unknown>>;
    private workers;
}
