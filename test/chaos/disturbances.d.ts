import type { Stage } from './stage';
export interface Disturbance {
    readonly name: string;
    /** Does it end workers, or keep new ones from starting? Two such at once could leave nobody to serve. */
    readonly deadly?: boolean;
    /** Does it touch the changing model? */
    readonly model?: boolean;
    /** Others of this family are much like it: the short form takes one of them. */
    readonly family?: string;
    /** Without this, it cannot be done. */
    readonly needs?: 'redis' | 'prlimit';
    /** Does it, and takes back what would not heal by itself. */
    run(stage: Stage): Promise<void>;
}
export declare const DISTURBANCES: readonly Disturbance[];
