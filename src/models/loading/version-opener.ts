import { Inject, Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type ModelsConfig, modelsConfig } from '../../config/config.slices';
import { type FileStamp, isUnchanged, stampOf } from '../../common/file-stamp';
import { DomainError } from '../../errors/domain-error';
import { AssetFiles } from '../../processing/assets';
import type { Declaration } from '../../processing/declaration';
import type { ModelProcessing } from '../../processing/model-processing';
import { contentOf } from '../../processing/pipeline';
import { NOTHING_SAID } from '../../processing/recognition/recognised';
import { Processing } from '../../processing/processing.service';
import {
  type ModelFile,
  type OpenedRunner,
  type Opening,
  RUNNER_KINDS,
  type RunnerKind,
} from '../../runners/runner-kind';
import { fileDigest, pathsOf } from '../repository/content-digest';
import { type Contents, KnownContents } from './known-contents';
import type { ModelConfig } from '../repository/model-config';
import { OPTIMIZED } from './proven-answer';
import { ServerDigests } from './server-digests';
import type { VersionEntry } from './model-entry';

/** Small versions that are remembered. */
const MAX_PLAIN = 10_000;

/** A version that can be run, not yet warm. */
export interface OpenedVersion extends OpenedRunner {
  /** Why the same request may get another answer the next time, as far as its graph shows. */
  readonly random: string | undefined;
  /** Why rows of one batch can change each other's answers, as far as its graph shows. */
  readonly coupling: string | undefined;
  /** Inputs that its file has a value for. */
  readonly defaulted: readonly string[];
  /** What `nestor optimize` wrote into it; undefined where it did not make it. */
  readonly optimized: string | undefined;
  /** What it declares of pictures, texts and rows; undefined where that is nothing. */
  readonly processing: ModelProcessing | undefined;
  /** Why what lies beside it was not recognised; empty when there is nothing to say. */
  readonly processingReason: string;
}

/** A version on its way: what is known of its files. */
interface Opened extends OpenedRunner {
  readonly random: string | undefined;
  readonly coupling: string | undefined;
  readonly defaulted: readonly string[];
  readonly optimized: string | undefined;
  readonly declaration: Declaration;
  readonly assets: AssetFiles;
}

/** What a look at a version's files found. */
interface Looked {
  readonly contents: Contents;
  readonly declaration: Declaration;
  readonly assets: AssetFiles;
  /** What the declaration adds to the content. */
  readonly declared: string;
  /** Of its own files. */
  readonly stamp: FileStamp;
}

/** The same of one that consists of nothing but its file, and what its model was found as. */
interface Plain extends Looked {
  readonly modelFile: string;
  readonly config: ModelConfig;
  readonly foundAs: string;
}

/**
 * Opens a version where it runs, which is its kind of runner's business; that the files are the same is not, nor is
 * what they declare.
 */
@Injectable()
export class VersionOpener {
  private readonly contents: KnownContents;
  /** Small versions of nothing but a file, by that. */
  private readonly plain = new Map<string, Plain>();

  constructor(
    @Inject(RUNNER_KINDS) private readonly kinds: readonly RunnerKind[],
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    private readonly processing: Processing,
    @Inject(ServerDigests) digests: Pick<ServerDigests, 'of'>,
  ) {
    this.contents = new KnownContents((files, settings) => digests.of(files, settings));
  }

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
      const label = `${entry.model}/${entry.version}`;
      return { ...opened, ...(await this.processing.open(declaration, opened.runner, assets, label)) };
    } catch (error) {
      await opened.runner.close();
      throw error;
    }
  }

  private async openFile(kind: RunnerKind, entry: VersionEntry, modelFile: string): Promise<Opened> {
    const known = this.plain.get(modelFile);
    if (known !== undefined && isThat(known, entry)) return this.openKnown(kind, entry, known);
    const looked = await this.look(entry, modelFile);
    const { declared, stamp } = looked;
    const opened = await kind.open({
      ...openingOf(entry, declared),
      file: modelFileOf(entry, modelFile, looked),
    });
    if (!(await isUnchanged(stamp))) {
      await opened.runner.close();
      throw new DomainError('model_unavailable', 'its files changed while it was loaded');
    }
    if (opened.light) this.remember(entry, looked);
    return { ...opened, digest: digestOf(opened.digest, declared), ...knownOf(looked) };
  }

  /** What is known of it need not be looked at again: the thread that loads it holds it against the disk. */
  private async openKnown(kind: RunnerKind, entry: VersionEntry, known: Plain): Promise<Opened> {
    const file = { ...modelFileOf(entry, known.modelFile, known), stamp: entry.found.stamp };
    const { declared } = known;
    const opened = await kind.open({ ...openingOf(entry, declared), file });
    return { ...opened, digest: digestOf(opened.digest, declared), ...knownOf(known) };
  }

  private async look(entry: VersionEntry, modelFile: string): Promise<Looked> {
    const { config, found } = entry;
    const contents = await this.contents.look(modelFile);
    const assets = await this.assetsOf(found);
    // The folder of a model without a folder is everybody's.
    const isOwnFolder = found.configFolder !== (await realpath(this.models.dir));
    const declaration = await this.processing.declare(config, isOwnFolder ? assets : undefined, contents);
    await findAll(declaration, assets);
    const files = {
      modelFile,
      externalData: contents.externalData,
      assets: assets.used.map(([, path]) => path),
    };
    const stamp = await stampOf(pathsOf(files));
    return { contents, declaration, assets, declared: await declaredContent(declaration, assets), stamp };
  }

  /** One with nothing beside its file, all of which its stamp tells of. */
  private remember({ config, found }: VersionEntry, looked: Looked): void {
    const { stamp, file: modelFile } = found;
    const { assets, declaration, contents } = looked;
    const isAlone = !assets.wereFound && !declaration.isOwn && contents.externalData.length === 0;
    if (stamp === undefined || modelFile === undefined || !isAlone) return;
    if (this.plain.size >= MAX_PLAIN) this.plain.clear();
    this.plain.set(modelFile, { ...looked, modelFile, config, foundAs: stamp.text });
  }

  private async openElsewhere(kind: RunnerKind, entry: VersionEntry): Promise<Opened> {
    const assets = await this.assetsOf(entry.found);
    const declaration = await this.processing.declare(entry.config, undefined, NOTHING_SAID);
    await findAll(declaration, assets);
    const declared = await declaredContent(declaration, assets);
    const opened = await kind.open({ ...openingOf(entry, declared), file: undefined });
    return {
      ...opened,
      digest: digestOf(opened.digest, declared),
      random: undefined,
      coupling: undefined,
      defaulted: [],
      optimized: undefined,
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

function knownOf({ contents, declaration, assets }: Looked): Omit<Opened, keyof OpenedRunner> {
  const { random, coupling, defaulted, metadata } = contents;
  return { random, coupling, defaulted, optimized: metadata.get(OPTIMIZED), declaration, assets };
}

function isThat({ config, foundAs }: Plain, entry: VersionEntry): boolean {
  return entry.config === config && entry.found.stamp?.text === foundAs;
}

function modelFileOf(
  { found }: VersionEntry,
  path: string,
  { contents: { externalData, operators, lastOperators, nodes, digest, stamp: contents }, stamp }: Looked,
): ModelFile {
  return {
    path,
    sizeBytes: externalData.reduce((sum, external) => sum + external.sizeBytes, found.sizeBytes),
    contents,
    hasExternalData: externalData.length > 0,
    operators,
    lastOperators,
    nodes,
    digest,
    unchanged: () => isUnchanged(stamp),
  };
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
    example: entry.config.example,
    maxTexts: entry.config.maxTextElements,
    expectContent: (digest) => entry.expectContent(digestOf(digest, declared)),
  };
}
