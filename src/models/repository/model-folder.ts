import type { Dirent } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, parse, relative } from 'node:path';
import { DomainError, reasonOf } from '../../errors/domain-error';
import {
  explained,
  fileErrorReason,
  isRealFolder,
  isThere,
  listFolder,
  statInside,
  statPlain,
} from '../../common/safe-path';
import { MAX_YAML_BYTES } from '../../config/yaml/yaml-mapping';
import { sideBySide } from '../../common/side-by-side';
import { foreignAmong, foreignModel } from './foreign-files';
import {
  FilesMemory,
  type Fault,
  type FileVersion,
  type ModelFiles,
  type RepositoryFault,
} from './model-files';
import { isModelName, isVersion } from './model-name';

/** The one model that counts. */
export interface OneModel {
  readonly name: string;
  /** The name of its file in the folder; left out: the folder itself is the model's, as storage initializers mount it. */
  readonly file?: string;
}

export interface FolderScan {
  readonly models: readonly ModelFiles[];
  /** Of the folder, and of what is no model. */
  readonly faults: readonly RepositoryFault[];
}

const MODEL_FILE = 'model.onnx';
const CONFIG_FILE = 'model.yaml';
const DOWNLOADED_CONFIG = 'config.json';
const DOWNLOADED_FILES = ['model.onnx', join('onnx', 'model.onnx')];
export const FLAT_VERSION = '1';
/** Folders of models that are looked into at once. */
const LOOKS_AT_ONCE = 16;
/** The root of an ext4 volume has this folder. */
const NOT_A_MODEL = 'lost+found';

/**
 * The files of models in a folder, in three layouts: `<name>.onnx` with `<name>.yaml`, which is version 1;
 * `<name>/<version>/model.onnx` with `<name>/model.yaml`; and a folder as Hugging Face has it, `<name>/onnx/model.onnx` or
 * `<name>/model.onnx` beside `<name>/config.json`, which is version 1 as well. Nothing outside the folder is ever named or followed,
 * symbolic links included. Every call looks at the disk, at least at the times of what it knows already.
 */
export class ModelFolder {
  private readonly memory = new FilesMemory();
  private scans = 0;

  /** @param only the one model that counts; left out: all do */
  constructor(
    readonly dir: string,
    private readonly only?: OneModel,
  ) {}

  /** Every model there. What is broken is listed among the faults and never fails the rest. */
  async scan(): Promise<FolderScan> {
    const models: ModelFiles[] = [];
    const faults: RepositoryFault[] = [];
    const isFirst = this.scans++ === 0;
    try {
      const root = await this.root();
      const { names, foreign } = this.only === undefined ? await candidates(root) : onlyOf(this.only.name);
      faults.push(...foreign);
      const found = await sideBySide(names, LOOKS_AT_ONCE, async (name) => {
        if (!isModelName(name)) return undefined;
        // To keep thousands in mind that nobody may ask for would take as long as to find them.
        if (isFirst) return this.findIn(root, name);
        return (await this.memory.recall(name)) ?? this.lookAnew(root, name);
      });
      found.forEach((model, i) => {
        const name = names[i]!;
        if (model) models.push(model);
        else if (!isModelName(name)) faults.push({ name, reason: 'it is not a name that a model can have' });
      });
    } catch (error) {
      faults.push({ reason: reasonOf(error) });
    }
    return { models, faults };
  }

  /**
   * What is there of this name, which may come from a request; undefined when there is nothing.
   * @throws DomainError `model_unavailable` when the folder cannot be read
   */
  async find(name: string): Promise<ModelFiles | undefined> {
    if (!isModelName(name) || (this.only?.name ?? name) !== name) return undefined;
    return (await this.memory.recall(name)) ?? this.lookAnew(await this.root(), name);
  }

  /** The same as of the last look, without another one; undefined where what changed since would not show in its stamp. */
  asBefore(name: string): ModelFiles | undefined {
    return this.memory.asBefore(name);
  }

  private async lookAnew(root: string, name: string): Promise<ModelFiles | undefined> {
    const files = await this.findIn(root, name);
    return files && this.memory.remember(files);
  }

  private async findIn(root: string, name: string): Promise<ModelFiles | undefined> {
    const { only } = this;
    try {
      if (only !== undefined) {
        return only.file === undefined ? await readOwn(root, name) : await readFlat(root, name, only.file);
      }
      return (await readFolder(root, name, join(root, name))) ?? (await readFlat(root, name, `${name}.onnx`));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const yaml = { fault: error.message };
      return { name, yamlFile: join(root, CONFIG_FILE), yaml, versions: [], faults: [] };
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

interface Candidates {
  readonly names: readonly string[];
  /** Models of other kinds. */
  readonly foreign: readonly RepositoryFault[];
}

function onlyOf(name: string): Candidates {
  return { names: [name], foreign: [] };
}

/** Names of what may be a model, folders and `.onnx` files, in order. */
async function candidates(root: string): Promise<Candidates> {
  const names = new Set<string>();
  const others: string[] = [];
  for (const entry of await listFolder(root, root)) {
    if (entry.name === NOT_A_MODEL) continue;
    const folder = await isFolder(root, entry);
    if (!folder && entry.name.endsWith('.onnx')) names.add(entry.name.slice(0, -'.onnx'.length));
    else if (folder !== false) names.add(entry.name);
    else others.push(entry.name);
  }
  const foreign: RepositoryFault[] = [];
  for (const file of others) {
    const reason = foreignModel(file);
    // Many keep what a model was made from beside it.
    if (reason !== undefined && !names.has(parse(file).name)) foreign.push({ name: file, reason });
  }
  return { names: [...names].sort(), foreign };
}

async function readFolder(root: string, name: string, folder: string): Promise<ModelFiles | undefined> {
  const isReal = await isRealFolder(folder);
  if (!isReal && (await statInside(root, folder))?.isDirectory() !== true) return undefined;
  const entries = await listFolder(root, folder);
  const hasYaml = entries.some((entry) => entry.name === CONFIG_FILE);
  const yamlFile = join(folder, CONFIG_FILE);
  const yaml = hasYaml ? await readYaml(root, yamlFile) : undefined;
  const versions: FileVersion[] = [];
  const faults: RepositoryFault[] = [];
  // One as it was downloaded has folders of its own.
  const isDownloaded = entries.some((entry) => entry.name === DOWNLOADED_CONFIG);
  for (const entry of entries) {
    const version = entry.name;
    if (version.startsWith('.') || (isDownloaded && !isVersion(version))) continue;
    if ((await isFolder(folder, entry)) === false) continue;
    const look = isReal && entry.isDirectory() ? statPlain : statInside;
    try {
      versions.push(await readVersion(root, folder, version, look));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      faults.push({ name, version, reason: error.message });
    }
  }
  const downloaded = versions.length === 0 ? await readDownloaded(root, folder) : undefined;
  if (downloaded !== undefined) return { name, yamlFile, yaml, versions: [downloaded], faults: [] };
  if (versions.length === 0) {
    const foreign = foreignAmong(entries.map((entry) => entry.name));
    const hint = foreign === undefined ? '' : `; ${foreign}`;
    faults.push({ name, reason: `it has no usable version; expected ${name}/1/${MODEL_FILE}${hint}` });
  }
  if (await isThere(join(root, `${name}.onnx`))) {
    faults.push({ name, reason: `${name}.onnx is not used, as the folder ${name} has the same name` });
  }
  versions.sort((a, b) => Number(a.version) - Number(b.version));
  return { name, yamlFile, yaml, versions, faults };
}

/** A folder that is one model's: with versions, as for download, or with one `.onnx` file in it, whatever its name. */
async function readOwn(root: string, name: string): Promise<ModelFiles | undefined> {
  const inFolders = await readFolder(root, name, root);
  if (inFolders === undefined || inFolders.versions.length > 0) return inFolders;
  const files = (await listFolder(root, root)).filter((entry) => entry.name.endsWith('.onnx'));
  const [file] = files;
  if (file !== undefined && files.length === 1) return readFlat(root, name, file.name, CONFIG_FILE);
  const reason = `the model folder (MODEL_DIR) of MODEL_NAME has ${files.length === 0 ? 'no' : 'more than one'} model; expected 1/${MODEL_FILE}, or one .onnx file (MODEL_NAMES chooses among several models)`;
  return { ...inFolders, faults: [{ name, reason }] };
}

/** The folder of a model as Hugging Face has it for download, which is version 1: other folders in it are none. */
async function readDownloaded(root: string, folder: string): Promise<FileVersion | undefined> {
  if (!(await isThere(join(folder, DOWNLOADED_CONFIG)))) return undefined;
  for (const place of DOWNLOADED_FILES) {
    const file = join(folder, place);
    if (!(await statInside(root, file))) continue;
    return { version: FLAT_VERSION, configFolder: folder, file, sizeBytes: await modelSize(root, file) };
  }
  return undefined;
}

/** @param yamlName left out: beside the file, with its name */
async function readFlat(
  root: string,
  name: string,
  fileName: string,
  yamlName = `${basename(fileName, '.onnx')}.yaml`,
): Promise<ModelFiles | undefined> {
  const file = join(root, fileName);
  if (!(await statInside(root, file))) return undefined;
  const yamlFile = join(root, yamlName);
  const yaml = await readYaml(root, yamlFile);
  const version = { version: FLAT_VERSION, configFolder: root, file, sizeBytes: await modelSize(root, file) };
  return { name, yamlFile, yaml, versions: [version], faults: [] };
}

async function readVersion(
  root: string,
  folder: string,
  version: string,
  look: typeof statInside,
): Promise<FileVersion> {
  if (!isVersion(version)) {
    throw new DomainError('model_unavailable', 'a version folder is named by a whole number from 1');
  }
  // The folder of the external data must lie inside too, not only the file.
  if (look !== statPlain) await statInside(root, join(folder, version));
  const file = join(folder, version, MODEL_FILE);
  return { version, configFolder: folder, file, sizeBytes: await modelSize(root, file, look) };
}

async function modelSize(root: string, file: string, look = statInside): Promise<number> {
  const stats = await look(root, file);
  if (stats?.isFile() && stats.size > 0) return stats.size;
  const reason = stats === undefined ? 'does not exist' : stats.isFile() ? 'is empty' : 'is not a file';
  const foreign = stats === undefined ? await foreignBeside(root, file) : '';
  throw new DomainError('model_unavailable', `${relative(root, file)} ${reason}${foreign}`);
}

/** What lies where a model file is missed, in words that go on. */
async function foreignBeside(root: string, file: string): Promise<string> {
  const folder = dirname(file);
  if (!(await isThere(folder))) return '';
  const foreign = foreignAmong((await listFolder(root, folder)).map((entry) => entry.name));
  return foreign === undefined ? '' : `; ${foreign}`;
}

async function readYaml(root: string, file: string): Promise<string | Fault | undefined> {
  const shown = relative(root, file);
  try {
    const stats = await statInside(root, file);
    if (!stats) return undefined;
    if (!stats.isFile()) return { fault: `${shown} is not a file` };
    if (stats.size > MAX_YAML_BYTES) return { fault: `${shown} is larger than ${MAX_YAML_BYTES / 1024} KiB` };
    return await explained(root, file, readFile(file, 'utf8'));
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
