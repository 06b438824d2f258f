import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { AssetFiles } from '../../processing/assets';
import type { Declaration } from '../../processing/declaration';
import type { ModelProcessing } from '../../processing/model-processing';
import { contentOf } from '../../processing/pipeline';
import { Processing } from '../../processing/processing.service';
import { type OpenedRunner, type Opening, RUNNER_KINDS, type RunnerKind } from '../../runners/runner-kind';
import { fileDigest, fileStamp, type VersionFiles } from '../repository/content-digest';
import { KnownContents } from './known-contents';
import type { VersionEntry } from './model-entry';

/** A version that can be run, not yet warm. */
export interface OpenedVersion extends OpenedRunner {
  /** Why the same request may get another answer the next time, as far as its graph shows. */
  readonly random: string | undefined;
  /** Why rows of one batch can change each other's answers, as far as its graph shows. */
  readonly coupling: string | undefined;
  /** What it declares of pictures, texts and rows; undefined where that is nothing. */
  readonly processing: ModelProcessing | undefined;
  /** Why what lies beside it was not recognised; empty when there is nothing to say. */
  readonly processingReason: string;
}

/** A version on its way: what is known of its files. */
interface Opened extends OpenedRunner {
  readonly random: string | undefined;
  readonly coupling: string | undefined;
  readonly declaration: Declaration;
  readonly assets: AssetFiles;
}

/**
 * Opens a version where it runs, which is its kind of runner's business; that the files are the same is not, nor is
 * what they declare.
 */
@Injectable()
export class VersionOpener {
  private readonly contents = new KnownContents();

  constructor(
    @Inject(RUNNER_KINDS) private readonly kinds: readonly RunnerKind[],
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    private readonly processing: Processing,
  ) {}

  /** @throws whatever kept it from being opened; nothing stays open then */
  async open(entry: VersionEntry): Promise<OpenedVersion> {
    const { config, found } = entry;
    const kind = this.kinds.find(({ runtime }) => runtime === config.runtime);
    if (kind === undefined)
      throw new DomainError('model_unavailable', `there is no runtime ${config.runtime}`);
    const { declaration, assets, ...opened } =
      found.file === undefined
        ? await this.openElsewhere(kind, entry)
        : await this.openFile(kind, entry, found.file);
    try {
      return { ...opened, ...(await this.processing.open(declaration, opened.runner, assets)) };
    } catch (error) {
      await opened.runner.close();
      throw error;
    }
  }

  private async openFile(kind: RunnerKind, entry: VersionEntry, modelFile: string): Promise<Opened> {
    const { config, found } = entry;
    const { externalData, operators, random, coupling, metadata, digest } =
      await this.contents.look(modelFile);
    const assets = await this.assetsOf(found);
    // The folder of a model without a folder is everybody's.
    const isOwnFolder = found.configFolder !== (await realpath(this.models.dir));
    const declaration = await this.processing.declare(config, isOwnFolder ? assets : undefined, metadata);
    await findAll(declaration, assets);
    const files: VersionFiles = { modelFile, externalData, assets: assets.used.map(([, path]) => path) };
    const stamp = await fileStamp(files);
    const unchanged = (): Promise<boolean> =>
      fileStamp(files).then(
        (now) => now === stamp,
        () => false,
      );
    const declared = await declaredContent(declaration, assets);
    const opened = await kind.open({
      ...openingOf(entry, declared),
      file: {
        path: modelFile,
        sizeBytes: externalData.reduce((sum, external) => sum + external.sizeBytes, found.sizeBytes),
        hasExternalData: externalData.length > 0,
        operators,
        digest,
        unchanged,
      },
    });
    if (await unchanged()) {
      return { ...opened, digest: digestOf(opened.digest, declared), random, coupling, declaration, assets };
    }
    await opened.runner.close();
    throw new DomainError('model_unavailable', 'its files changed while it was loaded');
  }

  private async openElsewhere(kind: RunnerKind, entry: VersionEntry): Promise<Opened> {
    const assets = await this.assetsOf(entry.found);
    const declaration = await this.processing.declare(entry.config, undefined, new Map());
    await findAll(declaration, assets);
    const declared = await declaredContent(declaration, assets);
    const opened = await kind.open({ ...openingOf(entry, declared), file: undefined });
    return {
      ...opened,
      digest: digestOf(opened.digest, declared),
      random: undefined,
      coupling: undefined,
      declaration,
      assets,
    };
  }

  /** In the version's folder, else in that of `model.yaml`. */
  private async assetsOf({ file, configFolder }: VersionEntry['found']): Promise<AssetFiles> {
    const folders = new Set([...(file === undefined ? [] : [dirname(file)]), configFolder]);
    return new AssetFiles(await realpath(this.models.dir), [...folders]);
  }
}

/** Has every file that a declaration names looked up. @throws model_unavailable when one is not there */
async function findAll({ inputs, outputs }: Declaration, assets: AssetFiles): Promise<void> {
  for (const { read } of [...inputs, ...outputs]) {
    for (const name of read.assets) await assets.path(name);
  }
}

/** What a declaration adds to a model's content; empty where there is none, so that its digest stays what it was. */
async function declaredContent(declaration: Declaration, assets: AssetFiles): Promise<string> {
  const content = contentOf(declaration);
  if (content === '') return '';
  const files: [name: string, digest: string][] = [];
  for (const [name, path] of assets.used) files.push([name, await fileDigest(path)]);
  return JSON.stringify([content, files]);
}

function digestOf(runnerDigest: string, declared: string): string {
  if (declared === '') return runnerDigest;
  return createHash('sha256')
    .update(JSON.stringify([runnerDigest, declared]))
    .digest('hex');
}

function openingOf(entry: VersionEntry, declared: string): Omit<Opening, 'file'> {
  return {
    model: entry.model,
    version: entry.version,
    settings: entry.config.runner,
    expectContent: (digest) => entry.expectContent(digestOf(digest, declared)),
  };
}
