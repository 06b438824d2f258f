import type { Dirent } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { parseModelConfig, type ModelConfig } from './model-config';
import { isModelName, isVersion } from './model-name';
import {
  explained,
  fileErrorReason,
  isAbsent,
  isThere,
  listFolder,
  statInside,
} from '../../common/safe-path';
import { MAX_YAML_BYTES } from '../../config/yaml/yaml-mapping';

export interface FoundVersion {
  readonly version: string;
  /** Absolute path of the folder where its model.yaml is, or would be. */
  readonly configFolder: string;
  /** Absolute path of the ONNX file; undefined for a model on another server. */
  readonly file: string | undefined;
  /** Size of that file alone, without its external data; 0 without a file. */
  readonly sizeBytes: number;
}

/** Something in the folder that cannot be used, and why; the reason has no absolute path in it. */
export interface RepositoryFault {
  /** Undefined where it concerns the whole folder. */
  readonly name?: string;
  readonly version?: string;
  readonly reason: string;
}

/** Why a model that is there cannot be served at all. */
export interface ConfigFault {
  readonly fault: string;
}

export interface FoundModel {
  readonly name: string;
  readonly config: ModelConfig | ConfigFault;
  /** Those that can be loaded, lowest first; the last one serves by default. */
  readonly versions: readonly FoundVersion[];
  readonly faults: readonly RepositoryFault[];
}

export interface RepositoryScan {
  readonly models: readonly FoundModel[];
  /** All faults: the models' and those of what is no model. */
  readonly faults: readonly RepositoryFault[];
}

const MODEL_FILE = 'model.onnx';
const CONFIG_FILE = 'model.yaml';
const FLAT_VERSION = '1';
/** The root of an ext4 volume has this folder. */
const NOT_A_MODEL = 'lost+found';

/**
 * The models in a folder, in two layouts: `<name>.onnx` with `<name>.yaml`, which is version 1, and
 * `<name>/<version>/model.onnx` with `<name>/model.yaml`. Where that one says that the model is on another
 * server, no file is looked for, and it is version 1. Nothing outside the folder is ever named or followed,
 * symbolic links included. It remembers nothing: every call looks at the disk.
 */
export class ModelRepository {
  /** @param declared models that need no folder; one of the same name goes first */
  constructor(
    private readonly dir: string,
    private readonly declared: readonly FoundModel[] = [],
  ) {}

  /** Every model there. What is broken is listed among the faults and never fails the rest. */
  async scan(): Promise<RepositoryScan> {
    const models: FoundModel[] = [];
    const faults: RepositoryFault[] = [];
    try {
      const root = await this.root();
      for (const name of await candidates(root)) {
        const model = isModelName(name) ? await findIn(root, name) : undefined;
        if (model) models.push(model);
        else if (!isModelName(name)) faults.push({ name, reason: 'it is not a name that a model can have' });
        faults.push(...(model?.faults ?? []));
      }
    } catch (error) {
      faults.push({ reason: reasonOf(error) });
    }
    for (const model of this.declared)
      if (!models.some(({ name }) => name === model.name)) models.push(model);
    return { models, faults };
  }

  /**
   * The model of this name, which may come from a request; undefined when there is none.
   * @throws DomainError `model_unavailable` when the folder is there but cannot be read
   */
  async find(name: string): Promise<FoundModel | undefined> {
    if (!isModelName(name)) return undefined;
    const declared = this.declared.find((model) => model.name === name);
    try {
      return (await findIn(await this.root(), name)) ?? declared;
    } catch (error) {
      if (error instanceof DomainError && (declared || isAbsent(error.cause))) return declared;
      throw error;
    }
  }

  private async root(): Promise<string> {
    try {
      return await realpath(this.dir);
    } catch (error) {
      const reason = `the model folder (MODEL_DIR) cannot be read: ${fileErrorReason(error)}`;
      throw new DomainError('model_unavailable', reason, { cause: error });
    }
  }
}

/** Names of what may be a model, folders and `.onnx` files, in order. */
async function candidates(root: string): Promise<string[]> {
  const names = new Set<string>();
  for (const entry of await listFolder(root, root)) {
    if (entry.name === NOT_A_MODEL) continue;
    const folder = await isFolder(root, entry);
    if (!folder && entry.name.endsWith('.onnx')) names.add(entry.name.slice(0, -'.onnx'.length));
    else if (folder !== false) names.add(entry.name);
  }
  return [...names].sort();
}

async function findIn(root: string, name: string): Promise<FoundModel | undefined> {
  try {
    return (await readFolder(root, name)) ?? (await readFlat(root, name));
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const reason = error.message;
    return { name, config: { fault: reason }, versions: [], faults: [{ name, reason }] };
  }
}

async function readFolder(root: string, name: string): Promise<FoundModel | undefined> {
  const folder = join(root, name);
  if (!(await statInside(root, folder))?.isDirectory()) return undefined;
  const config = await readConfig(root, join(folder, CONFIG_FILE), name);
  if ('remote' in config && config.remote !== undefined) return remoteModel(name, folder, config);
  const versions: FoundVersion[] = [];
  const faults: RepositoryFault[] = [];
  if ('fault' in config) faults.push({ name, reason: config.fault });
  for (const entry of await listFolder(root, folder)) {
    if ((await isFolder(folder, entry)) === false) continue;
    const version = entry.name;
    try {
      versions.push(await readVersion(root, folder, version));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      faults.push({ name, version, reason: error.message });
    }
  }
  if (versions.length === 0) {
    faults.push({ name, reason: `it has no usable version; expected ${name}/1/${MODEL_FILE}` });
  }
  if (await isThere(join(root, `${name}.onnx`))) {
    faults.push({ name, reason: `${name}.onnx is not used, as the folder ${name} has the same name` });
  }
  versions.sort((a, b) => Number(a.version) - Number(b.version));
  return { name, config, versions, faults };
}

/** A model on another server. Versions that lie beside it are left alone. */
export function remoteModel(name: string, configFolder: string, config: ModelConfig): FoundModel {
  const version = { version: FLAT_VERSION, configFolder, file: undefined, sizeBytes: 0 };
  return { name, config, versions: [version], faults: [] };
}

async function readFlat(root: string, name: string): Promise<FoundModel | undefined> {
  const file = join(root, `${name}.onnx`);
  if (!(await statInside(root, file))) return undefined;
  const config = await readConfig(root, join(root, `${name}.yaml`), name);
  const faults = 'fault' in config ? [{ name, reason: config.fault }] : [];
  const sizeBytes = await modelSize(root, file);
  return {
    name,
    config,
    versions: [{ version: FLAT_VERSION, configFolder: root, file, sizeBytes }],
    faults,
  };
}

async function readVersion(root: string, folder: string, version: string): Promise<FoundVersion> {
  if (!isVersion(version)) {
    throw new DomainError('model_unavailable', 'a version folder is named by a whole number from 1');
  }
  // The folder of the external data must lie inside too, not only the file.
  await statInside(root, join(folder, version));
  const file = join(folder, version, MODEL_FILE);
  return { version, configFolder: folder, file, sizeBytes: await modelSize(root, file) };
}

async function modelSize(root: string, file: string): Promise<number> {
  const stats = await statInside(root, file);
  if (stats?.isFile() && stats.size > 0) return stats.size;
  const reason = stats === undefined ? 'does not exist' : stats.isFile() ? 'is empty' : 'is not a file';
  throw new DomainError('model_unavailable', `${relative(root, file)} ${reason}`);
}

async function readConfig(root: string, file: string, name: string): Promise<ModelConfig | ConfigFault> {
  const shown = relative(root, file);
  try {
    const stats = await statInside(root, file);
    if (!stats) return parseModelConfig(undefined, name);
    if (!stats.isFile()) return { fault: `${shown} is not a file` };
    if (stats.size > MAX_YAML_BYTES) return { fault: `${shown} is larger than ${MAX_YAML_BYTES / 1024} KiB` };
    return parseModelConfig(await explained(root, file, readFile(file, 'utf8')), name);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { fault: error.message };
  }
}

/** A folder, or a link to one, wherever that is; undefined for a broken link. Whether to follow is asked later. */
async function isFolder(parent: string, entry: Dirent): Promise<boolean | undefined> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(join(parent, entry.name)).then(
    (stats) => stats.isDirectory(),
    () => undefined,
  );
}
