import { dirname, join } from 'node:path';
import { DomainError } from '../../errors/domain-error';
import { isAbsent } from '../../common/safe-path';
import type { RunnerKeys } from '../../runners/runner-kind';
import { parseModelConfig, type ModelConfig } from './model-config';
import type { Fault, FoundVersion, ModelFiles, RepositoryFault } from './model-files';
import { FLAT_VERSION, ModelFolder, type OneModel } from './model-folder';

export interface FoundModel {
  readonly name: string;
  /** Or why it cannot be served at all. */
  readonly config: ModelConfig | Fault;
  /** Those that can be loaded, lowest first; the last one serves by default. */
  readonly versions: readonly FoundVersion[];
  readonly faults: readonly RepositoryFault[];
}

export interface RepositoryScan {
  readonly models: readonly FoundModel[];
  /** All faults: the models' and those of what is no model. */
  readonly faults: readonly RepositoryFault[];
}

/** The models of a folder with their configurations, and those that the server's own settings declare. */
export class ModelRepository {
  private readonly folder: ModelFolder;
  /** They need no folder; one of the same name goes first. */
  private readonly declared: readonly FoundModel[];
  private readonly found = new WeakMap<ModelFiles, FoundModel>();

  constructor(
    dir: string,
    private readonly kinds: readonly RunnerKeys[],
    only?: OneModel,
  ) {
    this.folder = new ModelFolder(dir, only);
    this.declared = kinds.flatMap(({ declared = [] }) =>
      [...declared].map(([name, yaml]) =>
        this.read({ name, yamlFile: join(dir, `${name}.yaml`), yaml, versions: [], faults: [] }),
      ),
    );
  }

  /** Every model there. What is broken is listed among the faults and never fails the rest. */
  async scan(): Promise<RepositoryScan> {
    const scan = await this.folder.scan();
    const models = scan.models.map((files) => this.read(files));
    const faults = [...scan.faults, ...models.flatMap((model) => model.faults)];
    for (const model of this.declared)
      if (!models.some(({ name }) => name === model.name)) models.push(model);
    return { models, faults };
  }

  /**
   * The model of this name, which may come from a request; undefined when there is none.
   * @throws DomainError `model_unavailable` when the folder is there but cannot be read
   */
  async find(name: string): Promise<FoundModel | undefined> {
    const declared = this.declared.find((model) => model.name === name);
    try {
      const files = await this.folder.find(name);
      return files === undefined ? declared : this.read(files);
    } catch (error) {
      if (error instanceof DomainError && (declared || isAbsent(error.cause))) return declared;
      throw error;
    }
  }

  /** The same as of the last look, with a stamp by which it can be held against the disk; undefined where it has none. */
  asBefore(name: string): FoundModel | undefined {
    const files = this.folder.asBefore(name);
    return files && this.read(files);
  }

  /** Files that are remembered are read once. */
  private read(files: ModelFiles): FoundModel {
    const before = this.found.get(files);
    if (before !== undefined) return before;
    const found = this.parse(files);
    if (files.stamp !== undefined) this.found.set(files, found);
    return found;
  }

  private parse({ name, yamlFile, yaml, versions, faults }: ModelFiles): FoundModel {
    const config = this.configOf(name, yaml);
    if ('fault' in config)
      return { name, config, versions, faults: [{ name, reason: config.fault }, ...faults] };
    if (!config.elsewhere) return { name, config, versions, faults };
    // Versions that lie beside it are left alone.
    const configFolder = dirname(yamlFile);
    const version = { version: FLAT_VERSION, configFolder, file: undefined, sizeBytes: 0 };
    return { name, config, versions: [version], faults: [] };
  }

  private configOf(name: string, yaml: ModelFiles['yaml']): ModelConfig | Fault {
    if (typeof yaml === 'object') return yaml;
    try {
      return parseModelConfig(yaml, name, this.kinds);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return { fault: error.message };
    }
  }
}
