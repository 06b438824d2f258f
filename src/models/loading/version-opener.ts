import { Inject, Injectable } from '@nestjs/common';
import { DomainError } from '../../errors/domain-error';
import { type OpenedRunner, type Opening, RUNNER_KINDS, type RunnerKind } from '../../runners/runner-kind';
import { contentDigest, fileStamp, type VersionFiles } from '../repository/content-digest';
import { inspectModel } from '../repository/onnx-file/external-data';
import type { VersionEntry } from './model-entry';

/** A version that can be run, not yet warm. */
export interface OpenedVersion extends OpenedRunner {
  /** Why the same request may get another answer the next time, as far as its graph shows. */
  readonly random: string | undefined;
  /** Why rows of one batch can change each other's answers, as far as its graph shows. */
  readonly coupling: string | undefined;
}

/** Opens a version where it runs, which is its kind of runner's business; that the files are the same is not. */
@Injectable()
export class VersionOpener {
  constructor(@Inject(RUNNER_KINDS) private readonly kinds: readonly RunnerKind[]) {}

  /** @throws whatever kept it from being opened; nothing stays open then */
  async open(entry: VersionEntry): Promise<OpenedVersion> {
    const { config, found, model } = entry;
    const kind = this.kinds.find(({ runtime }) => runtime === config.runtime);
    if (kind === undefined)
      throw new DomainError('model_unavailable', `there is no runtime ${config.runtime}`);
    const opening: Opening = {
      model,
      version: found.version,
      settings: config.runner,
      file: undefined,
      expectContent: (digest) => entry.expectContent(digest),
    };
    if (found.file === undefined)
      return { ...(await kind.open(opening)), random: undefined, coupling: undefined };
    return openFile(kind, opening, found.file, found.sizeBytes);
  }
}

async function openFile(
  kind: RunnerKind,
  opening: Opening,
  modelFile: string,
  modelBytes: number,
): Promise<OpenedVersion> {
  const { externalData, random, coupling } = await inspectModel(modelFile);
  const files: VersionFiles = { modelFile, externalData };
  const stamp = await fileStamp(files);
  const opened = await kind.open({
    ...opening,
    file: {
      path: modelFile,
      sizeBytes: externalData.reduce((sum, external) => sum + external.sizeBytes, modelBytes),
      digest: (resultSettings) => contentDigest(files, resultSettings),
    },
  });
  if ((await fileStamp(files)) === stamp) return { ...opened, random, coupling };
  await opened.runner.close();
  throw new DomainError('model_unavailable', 'its files changed while it was loaded');
}
