import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ModelFiles } from './model-files';

/** Names that are remembered. */
const MAX_NAMES = 10_000;
/** A file system's times may be so coarse that a second change within this time does not show in them. */
const SETTLED_MS = 2000;

interface Known {
  readonly files: ModelFiles;
  readonly paths: readonly string[];
  readonly stamp: string;
}

/**
 * What was found of each model, as long as the times of its files and folders say that nothing has changed: a look at
 * those is all that a model that comes and goes costs the disk. What has a fault is looked at in full each time.
 */
export class FilesMemory {
  private readonly known = new Map<string, Known>();

  constructor(private readonly dir: string) {}

  async recall(name: string): Promise<ModelFiles | undefined> {
    const known = this.known.get(name);
    if (known === undefined) return undefined;
    if ((await stampOf(known.paths)) === known.stamp) return known.files;
    this.known.delete(name);
    return undefined;
  }

  /** @param files as they were found just now */
  async remember(files: ModelFiles): Promise<void> {
    const { name, yamlFile, yaml, versions, faults } = files;
    if (faults.length > 0 || typeof yaml === 'object') return;
    // A yaml file that is not there yet, and versions that are not, show in the time of their folder.
    const paths = [this.dir, dirname(yamlFile), ...versions.map(({ file }) => file)];
    if (yaml !== undefined) paths.push(yamlFile);
    const stamp = await stampOf(paths, Date.now() - SETTLED_MS);
    if (stamp === undefined) return;
    if (this.known.size >= MAX_NAMES) this.known.clear();
    this.known.set(name, { files, paths, stamp });
  }
}

/** @param beforeMs nothing may be younger @returns undefined when something is not there, or is too young */
async function stampOf(paths: readonly string[], beforeMs = Infinity): Promise<string | undefined> {
  try {
    const all = await Promise.all(paths.map((path) => stat(path)));
    if (all.some(({ mtimeMs, ctimeMs }) => Math.max(mtimeMs, ctimeMs) > beforeMs)) return undefined;
    return all
      .map(({ dev, ino, size, mtimeMs, ctimeMs }) => [dev, ino, size, mtimeMs, ctimeMs].join(':'))
      .join();
  } catch {
    return undefined;
  }
}
