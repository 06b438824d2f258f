import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';
import { DomainError } from '../../errors/domain-error';
import type { AssetFiles } from '../assets';

/**
 * The mapping in a JSON file beside a model; undefined when there is none.
 * @throws model_unavailable when it is there and is no mapping
 */
export async function jsonFile(assets: AssetFiles, name: string): Promise<JsonObject | undefined> {
  if ((await assets.find(name)) === undefined) return undefined;
  let value: JsonValue = null;
  try {
    value = JSON.parse(await assets.text(name)) as JsonValue;
  } catch (error) {
    if (error instanceof DomainError) throw error;
  }
  if (isJsonObject(value)) return value;
  throw new DomainError(
    'model_unavailable',
    `${name} is no JSON object; with "pipeline: off" it is not read`,
  );
}
