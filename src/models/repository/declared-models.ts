import type { RemoteConfig } from '../../config/config.slices';
import { parseModelConfig } from './model-config';
import { type FoundModel, remoteModel } from './model-repository';
import { EXTERNAL_MODEL } from '../../runners/remote/remote-keys';

/** The models that the settings declare: with EXTERNAL_API_URL one on that server. */
export function declaredModels(
  dir: string,
  { externalUrl }: Pick<RemoteConfig, 'externalUrl'>,
): FoundModel[] {
  if (externalUrl === undefined) return [];
  return [remoteModel(EXTERNAL_MODEL, dir, parseModelConfig('runtime: remote', EXTERNAL_MODEL))];
}
