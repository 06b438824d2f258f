import { Injectable } from '@nestjs/common';
import { DomainError } from '../../errors/domain-error';
import { RemoteFactory } from '../../runners/remote/remote-factory';
import type { ModelRunner } from '../../runners/runner';
import { SessionFactory } from '../../runners/onnx/session-factory';
import { contentDigest, fileStamp, type ModelFiles } from '../repository/content-digest';
import { inspectModel } from '../repository/onnx-file/external-data';
import type { VersionEntry } from './model-entry';

/** A version that can be run, not yet warm. */
export interface OpenedVersion {
  readonly runner: ModelRunner;
  /** About what its weights take in memory here. */
  readonly memoryBytes: number;
  /** Hex digest of what it is and of the settings that change its results. */
  readonly digest: string;
  /** Has its graph operators that draw at random? */
  readonly random: boolean;
}

/** Opens a version where it runs: in sessions of this process, or on another server. */
@Injectable()
export class VersionOpener {
  constructor(
    private readonly sessions: SessionFactory,
    private readonly remotes: RemoteFactory,
  ) {}

  /** @throws whatever kept it from being opened; nothing stays open then */
  open(entry: VersionEntry): Promise<OpenedVersion> {
    const { config, found } = entry;
    if (config.remote === undefined && found.file !== undefined) {
      return this.openSessions(entry, found.file, found.sizeBytes);
    }
    return this.openRemote(entry);
  }

  private async openSessions(
    entry: VersionEntry,
    modelFile: string,
    sizeBytes: number,
  ): Promise<OpenedVersion> {
    const { config } = entry;
    const { externalData, random } = await inspectModel(modelFile);
    const files: ModelFiles = { modelFile, externalData };
    const fileBytes = externalData.reduce((sum, external) => sum + external.sizeBytes, sizeBytes);
    const stamp = await fileStamp(files);
    const digest = await contentDigest(files, config);
    // What is not wanted is not even tried: it may be a file that no process survives.
    entry.expectContent(digest);
    const runner = await this.sessions.open({
      modelFile,
      instances: config.instances,
      intraOpThreads: config.intraOpThreads,
      interOpThreads: config.interOpThreads,
      graphOptimization: config.graphOptimization,
      executionProviders: config.executionProviders,
    });
    if ((await fileStamp(files)) === stamp) {
      return { runner, memoryBytes: config.instances * fileBytes, digest, random };
    }
    await runner.close();
    throw new DomainError('model_unavailable', 'its files changed while it was loaded');
  }

  private async openRemote(entry: VersionEntry): Promise<OpenedVersion> {
    const { remote } = entry.config;
    if (remote === undefined) throw new DomainError('model_unavailable', 'it has no model file');
    const runner = await this.remotes.open(entry.model, remote);
    try {
      entry.expectContent(runner.digest);
    } catch (error) {
      await runner.close();
      throw error;
    }
    return { runner, memoryBytes: 0, digest: runner.digest, random: false };
  }
}
