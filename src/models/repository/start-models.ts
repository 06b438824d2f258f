import { sideBySide } from '../../common/side-by-side';
import { readYamlMapping } from '../../config/yaml/yaml-mapping';
import type { ModelFiles } from './model-files';
import type { ModelFolder } from './model-folder';
import { findExternalData } from './onnx-file/external-data';

/** Models that are looked into at once. */
const LOOKS_AT_ONCE = 16;

/** What one of the models that are loaded at the start takes on the disk. */
export interface StartModel {
  /** With its external data. */
  readonly sizeBytes: number;
  /** Sessions in each worker. */
  readonly instances: number;
}

/**
 * The models that are loaded at the start, by their latest version: a look, not a promise. What cannot be read is left
 * out, as whoever loads it says why.
 * @param required by name; empty: all
 */
export async function startModels(
  folder: Pick<ModelFolder, 'scan'>,
  required: readonly string[],
): Promise<StartModel[]> {
  const { models } = await folder.scan();
  const wanted = models.filter(({ name }) => required.length === 0 || required.includes(name));
  return (await sideBySide(wanted, LOOKS_AT_ONCE, look)).filter((model) => model !== undefined);
}

async function look({ yaml, versions }: ModelFiles): Promise<StartModel | undefined> {
  const latest = versions.at(-1);
  if (latest === undefined || typeof yaml === 'object') return undefined;
  const { instances, runtime } = yaml === undefined ? {} : readYamlMapping(yaml, []);
  if (runtime === 'remote') return undefined;
  try {
    const external = await findExternalData(latest.file);
    const sizeBytes = external.reduce((sum, file) => sum + file.sizeBytes, latest.sizeBytes);
    return { sizeBytes, instances: typeof instances === 'number' ? Math.max(1, instances) : 1 };
  } catch {
    return undefined;
  }
}
