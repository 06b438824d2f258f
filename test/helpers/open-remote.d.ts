import type { RemoteConfig } from '../../src/config/slices';
import { Recorder } from '../../src/telemetry/metrics/recorder';
import type { RemoteModelConfig } from '../../src/runners/remote/remote-config';
import type { RemoteRunner } from '../../src/runners/remote/remote-runner';
import type { RequestInputs } from '../../src/runners/runner';
import type { Tensor } from '../../src/tensors/tensor';
export declare const REMOTE_DEFAULTS: RemoteModelConfig;
/** A remote model as the server would open it, without the server. */
export declare function openRemote(config: Partial<RemoteModelConfig>, settings?: Partial<RemoteConfig>): Promise<{
    runner: RemoteRunner;
    recorder: Recorder;
}>;
/** Rows of two numbers for the input `x`. */
export declare function rows(...values: number[]): RequestInputs;
export declare function numbers(tensors: readonly Tensor[]): number[];
