import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, type JsonObject, type JsonValue } from '../config/yaml/json-value';
import { DomainError } from '../errors/domain-error';
import { explained, statInside } from '../common/safe-path';

/** Labels, vocabularies and the like are smaller; a tokenizer of 250,000 words has 17 MB. */
const MAX_ASSET_BYTES = 64 * 1024 * 1024;

/**
 * Files beside a model that its declaration names: in the version's folder, else in that of model.yaml. None may lie
 * outside of the model folder. What is asked for is remembered, as the model's digest covers it.
 */
export class AssetFiles {
  /** Was anything that was asked for there, be it of use or not? */
  wereFound = false;
  private readonly found = new Map<string, string>();

  /**
   * @param root real path of the model folder
   * @param folders where files are looked for, in this order; absolute
   */
  constructor(
    private readonly root: string,
    private readonly folders: readonly string[],
  ) {}

  /** Names and absolute paths of what was asked for and is there, by name. */
  get used(): readonly (readonly [name: string, path: string])[] {
    return [...this.found].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** @returns undefined when there is no such file */
  async find(name: string): Promise<string | undefined> {
    const known = this.found.get(name);
    if (known !== undefined) return known;
    for (const folder of this.folders) {
      const path = join(folder, name);
      const stats = await statInside(this.root, path);
      if (!stats?.isFile()) continue;
      this.wereFound = true;
      if (stats.size > MAX_ASSET_BYTES) {
        throw new DomainError('model_unavailable', `${name} is larger than ${MAX_ASSET_BYTES} bytes`);
      }
      this.found.set(name, path);
      return path;
    }
    return undefined;
  }

  /** @throws model_unavailable when there is no such file */
  async path(name: string): Promise<string> {
    const path = await this.find(name);
    if (path === undefined) {
      throw new DomainError('model_unavailable', `${name}, which its declaration names, is not there`);
    }
    return path;
  }

  /** @throws model_unavailable when there is no such file, or it cannot be read */
  async text(name: string): Promise<string> {
    const path = await this.path(name);
    return explained(this.root, path, readFile(path, 'utf8'));
  }

  /**
   * The mapping in a JSON file; undefined when there is none.
   * @throws model_unavailable when it is there and is no mapping
   */
  async json(name: string): Promise<JsonObject | undefined> {
    if ((await this.find(name)) === undefined) return undefined;
    let value: JsonValue = null;
    try {
      value = JSON.parse(await this.text(name)) as JsonValue;
    } catch (error) {
      if (error instanceof DomainError) throw error;
    }
    if (isJsonObject(value)) return value;
    throw new DomainError(
      'model_unavailable',
      `${name} is no JSON object; with "pipeline: off" it is not read`,
    );
  }
}
