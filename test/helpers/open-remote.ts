import { HttpService } from '@nestjs/axios';
import axios from 'axios';
import { parseSettings } from '../../src/config/settings';
import type { RemoteConfig } from '../../src/config/slices';
import { Recorder } from '../../src/telemetry/metrics/recorder';
import type { RemoteModelConfig } from '../../src/runners/remote/remote-config';
import { RemoteFactory } from '../../src/runners/remote/remote-factory';
import { RemoteHttp } from '../../src/runners/remote/remote-http';
import type { RemoteRunner } from '../../src/runners/remote/remote-runner';
import type { RequestInputs } from '../../src/runners/runner';
import type { Tensor } from '../../src/tensors/tensor';

export const REMOTE_DEFAULTS: RemoteModelConfig = {
  urls: [],
  protocol: 'v2',
  headers: [],
  timeoutMs: 2000,
  connectTimeoutMs: 1000,
  retries: 0,
  idempotent: undefined,
  maxConnections: undefined,
  inputs: undefined,
  outputs: undefined,
  request: undefined,
  response: undefined,
  health: undefined,
};

/** A remote model as the server would open it, without the server. */
export async function openRemote(
  config: Partial<RemoteModelConfig>,
  settings: Partial<RemoteConfig> = {},
): Promise<{ runner: RemoteRunner; recorder: Recorder }> {
  const remote = { ...parseSettings({}).remote, ...settings };
  const recorder = new Recorder();
  const http = new RemoteHttp(new HttpService(axios.create()), remote);
  const factory = new RemoteFactory(http, recorder, remote);
  return { runner: await factory.open('m', { ...REMOTE_DEFAULTS, ...config }), recorder };
}

/** Rows of two numbers for the input `x`. */
export function rows(...values: number[]): RequestInputs {
  return [{ name: 'x', datatype: 'FP32', shape: [values.length / 2, 2], data: Float32Array.from(values) }];
}

export function numbers(tensors: readonly Tensor[]): number[] {
  return Array.from(tensors[0]?.data as Float32Array);
}
