import { constants, existsSync, readdirSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { ExternalDataFile } from '../../models/repository/onnx-file/external-data';
import type { ModelFiles } from '../../models/repository/model-files';
import { isVersion } from '../../models/repository/model-name';
import { UsageError } from '../command';

const WORK = '.optimize-';
/** Of a version's folder these are its own. */
const OWN_FILES = new Set(['model.onnx', 'report.json', 'report.html']);

/**
 * Where the new version comes to be: first in a folder that servers do not look into, beside the versions, so that it is
 * there at one stroke.
 */
export class Destination {
  /** Of the model, with its versions. */
  readonly folder: string;
  readonly version: string;
  /** For whatever is tried. */
  readonly work: string;
  /** What is to become the version's folder. */
  readonly partial: string;
  private readonly isNewFolder: boolean;

  /** @param version of the model's that is optimised */
  constructor(
    private readonly model: ModelFiles,
    readonly file: string,
    private readonly source: string,
    private readonly externalData: readonly ExternalDataFile[],
  ) {
    const { name, yamlFile } = model;
    const beside = dirname(yamlFile);
    // A file without a folder of its own becomes version 1 of one.
    this.isNewFolder = basename(yamlFile) !== 'model.yaml';
    this.folder = this.isNewFolder ? join(beside, name) : beside;
    if (this.isNewFolder && existsSync(this.folder))
      throw new UsageError(`The folder ${name} is in the way: it is not written over.`);
    const there = this.isNewFolder ? [source] : readdirSync(this.folder).filter(isVersion);
    this.version = String(Math.max(...[source, ...there].map(Number)) + 1);
    this.work = join(beside, `${WORK}${process.pid}`);
    this.partial = join(this.work, 'version');
  }

  /** Makes the folders, and clears away those of runs that were killed. */
  async begin(): Promise<void> {
    // A file that had no folder has been worked on where the folder is that it has now.
    for (const place of new Set([dirname(this.work), dirname(this.folder)]))
      for (const entry of await readdir(place))
        if (entry.startsWith(WORK) && !isAlive(Number(entry.slice(WORK.length))))
          await rm(join(place, entry), { recursive: true, force: true });
    await rm(this.work, { recursive: true, force: true });
    await mkdir(this.partial, { recursive: true });
  }

  /** Puts the version into its place. @returns what there is now, by paths below the folder of models */
  async settle(): Promise<string[]> {
    if (this.isNewFolder) return this.settleFolder();
    const place = join(this.folder, this.version);
    const told: string[] = [];
    await this.bringAssets(dirname(this.file), this.partial);
    const ofSource = join(this.folder, this.source);
    // As it was downloaded, version 1 has no folder: it gets one, as those are all that counts from now on.
    if (dirname(this.file) !== ofSource && !existsSync(ofSource)) {
      const first = join(this.work, 'first');
      await this.bringOriginal(first);
      await rename(first, ofSource);
      told.push(`${this.model.name}/${this.source} (the original)`);
    }
    // Whoever was quicker is not written over: a folder with something in it is not replaced.
    await rename(this.partial, place);
    return [...told, `${this.model.name}/${this.version}`];
  }

  private async settleFolder(): Promise<string[]> {
    const { name, yaml } = this.model;
    const whole = join(this.work, 'model');
    await this.bringOriginal(join(whole, this.source));
    await rename(this.partial, join(whole, this.version));
    if (typeof yaml === 'string') {
      await copyFile(this.model.yamlFile, join(whole, 'model.yaml'));
      // What it names lies beside it.
      const from = dirname(this.file);
      for (const entry of await readdir(from, { withFileTypes: true }))
        if (entry.isFile() && !/\.(onnx|ya?ml)$/.test(entry.name) && yaml.includes(entry.name))
          await copyFile(join(from, entry.name), join(whole, entry.name));
    }
    await rename(whole, this.folder);
    return [`${name}/${this.source} (the original)`, `${name}/${this.version}`];
  }

  /** The original as a version, with the weights beside it. */
  private async bringOriginal(to: string): Promise<void> {
    await mkdir(to, { recursive: true });
    await linkOrCopy(this.file, join(to, 'model.onnx'));
    for (const { location, file } of this.externalData) {
      await mkdir(dirname(join(to, location)), { recursive: true });
      await linkOrCopy(file, join(to, location));
    }
  }

  /** What lies beside the model's file in its version's folder: labels, a tokenizer. */
  private async bringAssets(from: string, to: string): Promise<void> {
    if (relative(this.folder, from) !== this.source) return;
    for (const entry of await readdir(from, { withFileTypes: true }))
      if (
        entry.isFile() &&
        !OWN_FILES.has(entry.name) &&
        !this.externalData.some(({ location }) => location === entry.name)
      )
        await copyFile(join(from, entry.name), join(to, entry.name), constants.COPYFILE_EXCL);
  }

  /** Leaves nothing but what was settled. */
  async end(): Promise<void> {
    await rm(this.work, { recursive: true, force: true });
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(() => copyFile(from, to));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
