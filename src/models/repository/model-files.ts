import { type FileStamp, isUnchanged, settledStampOf } from '../../common/file-stamp';
import { dirname } from 'node:path';

export interface FoundVersion {
  readonly version: string;
  /** Absolute path of the folder where its model.yaml is, or would be. */
  readonly configFolder: string;
  /** Absolute path of the ONNX file; undefined for a model on another server. */
  readonly file: string | undefined;
  /** Size of that file alone, without its external data; 0 without a file. */
  readonly sizeBytes: number;
  /** Of all that was looked at to find the model, where it tells of every later change. */
  readonly stamp?: FileStamp;
}

/** A version that has a file. */
export type FileVersion = FoundVersion & { readonly file: string };

/** Something in the folder that cannot be used, and why; the reason has no absolute path in it. */
export interface RepositoryFault {
  /** Undefined where it concerns the whole folder. */
  readonly name?: string;
  readonly version?: string;
  readonly reason: string;
}

/** Why what is there cannot be used. */
export interface Fault {
  readonly fault: string;
}

/** What lies in the folder for one model; whether it can be served is another matter. */
export interface ModelFiles {
  readonly name: string;
  /** Absolute path of its model.yaml, where it is or would be. */
  readonly yamlFile: string;
  /** The text of that file; undefined where there is none. */
  readonly yaml: string | Fault | undefined;
  /** Those with a model file, lowest first. */
  readonly versions: readonly FileVersion[];
  readonly faults: readonly RepositoryFault[];
  /** See there. */
  readonly stamp?: FoundVersion['stamp'];
}

/** Names that are remembered. */
const MAX_NAMES = 10_000;

/**
 * What was found of each model, as long as the times of its files and folders say that nothing has changed: a look at
 * those is all that a model that comes and goes costs the disk. What has a fault is looked at in full each time.
 */
export class FilesMemory {
  private readonly known = new Map<string, ModelFiles>();

  /** What it was at the last look, if that can be told from what it may be now. */
  asBefore(name: string): ModelFiles | undefined {
    return this.known.get(name);
  }

  async recall(name: string): Promise<ModelFiles | undefined> {
    const known = this.known.get(name);
    if (known?.stamp === undefined) return undefined;
    if (await isUnchanged(known.stamp)) return known;
    this.known.delete(name);
    return undefined;
  }

  /**
   * @param files as they were found just now
   * @returns the same, with the stamp that tells of every later change, if there is one
   */
  async remember(files: ModelFiles): Promise<ModelFiles> {
    const { name, yamlFile, yaml, versions, faults } = files;
    if (faults.length > 0 || typeof yaml === 'object') return files;
    // A yaml file that is not there yet, versions that are not, and files beside a model show in the time of their folder.
    const folders = versions.map(({ file }) => dirname(file));
    const paths = new Set([dirname(yamlFile), ...folders, ...versions.map(({ file }) => file)]);
    if (yaml !== undefined) paths.add(yamlFile);
    // What is gone by now is looked at again.
    const stamp = await settledStampOf([...paths]).catch(() => undefined);
    if (stamp === undefined) return files;
    if (this.known.size >= MAX_NAMES) this.known.clear();
    const known = { ...files, stamp, versions: versions.map((version) => ({ ...version, stamp })) };
    this.known.set(name, known);
    return known;
  }
}
