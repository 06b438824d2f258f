import { Inject, Injectable } from '@nestjs/common';
import { type RemoteConfig, remoteConfig } from '../../config/config.slices';
import type { OpenedRunner, Opening, RunnerKind } from '../runner-kind';
import type { RemoteModelConfig } from './remote-config';
import { RemoteFactory } from './remote-factory';
import { EXTERNAL_MODEL, REMOTE } from './remote-keys';

/** Models that run on other servers. */
@Injectable()
export class RemoteKind implements RunnerKind<RemoteModelConfig> {
  readonly runtime = REMOTE.runtime;
  readonly keys = REMOTE.keys;
  readonly elsewhere = REMOTE.elsewhere;
  readonly faults = REMOTE.faults;
  /** With EXTERNAL_API_URL one on that server. */
  readonly declared: ReadonlyMap<string, string>;

  constructor(
    private readonly factory: RemoteFactory,
    @Inject(remoteConfig.KEY) { externalUrl }: RemoteConfig,
  ) {
    this.declared = new Map(externalUrl === undefined ? [] : [[EXTERNAL_MODEL, 'runtime: remote']]);
  }

  async open({ model, settings, expectContent }: Opening<RemoteModelConfig>): Promise<OpenedRunner> {
    const runner = await this.factory.open(model, settings);
    const { digest } = runner;
    try {
      expectContent(digest);
    } catch (error) {
      await runner.close();
      throw error;
    }
    return {
      runner,
      description: { backend: 'remote', accelerated: false, instances: 1, settings: {} },
      memoryBytes: 0,
      weights: undefined,
      digest,
      light: false,
      // Another server is sent a row of zeros, a stranger's API only what it was declared to take.
      mayGuess: (inputs) =>
        settings.protocol !== 'template' && !inputs.some(({ shape }) => shape.indexOf(-1, 1) !== -1),
    };
  }
}
