import { Inject, Injectable } from '@nestjs/common';
import { stat } from 'node:fs/promises';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { Ipc } from '../../process/ipc/ipc.service';
import { contentDigest, pathsOf, type VersionFiles } from '../repository/content-digest';
import { DIGEST, type DigestQuestion } from '../repository/known-digests';

/** Smaller files are read sooner than somebody else is asked. */
const ASKED_FROM_BYTES = 2 ** 20;

/** Content digests, which the primary takes of large files once for all workers. */
@Injectable()
export class ServerDigests {
  constructor(
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    private readonly ipc: Ipc,
  ) {}

  /** See `contentDigest`. @throws model_unavailable when a file cannot be read */
  async of(files: VersionFiles, resultSettings: readonly unknown[]): Promise<string> {
    if (!this.ipc.hasPrimary || (await sizeOf(files)) < ASKED_FROM_BYTES) {
      return contentDigest(files, resultSettings);
    }
    const question: DigestQuestion = { files, resultSettings };
    try {
      return await this.ipc.askPrimary<string>(DIGEST, question, this.models.loadTimeoutMs);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'model_unavailable') throw error;
      return contentDigest(files, resultSettings);
    }
  }
}

/** 0 where one is not there, of which whoever reads them has more to say. */
async function sizeOf(files: VersionFiles): Promise<number> {
  const sizes = pathsOf(files).map((path) =>
    stat(path).then(
      ({ size }) => size,
      () => 0,
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
