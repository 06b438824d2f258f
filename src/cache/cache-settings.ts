import type { CacheConfig, InferenceConfig } from '../config/config.slices';
import { runtimeVersion } from '../config/package-version';
import type { CacheSettings } from './prediction-cache';

/** What the prediction cache of this process goes by. */
export function cacheSettings(config: CacheConfig, { maxQueueRequests }: InferenceConfig): CacheSettings {
  return { ...config, maxFollowers: maxQueueRequests, runtime: runtimeVersion };
}
