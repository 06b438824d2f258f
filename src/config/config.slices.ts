import { getConfigToken } from '@nestjs/config';
import type { Settings } from './slices';

export type {
  AccessConfig,
  AppConfig,
  CacheConfig,
  ClusterConfig,
  HttpConfig,
  InferenceConfig,
  LoggingConfig,
  MetricsConfig,
  ModelsConfig,
  ProcessingConfig,
  RemoteConfig,
  TracingConfig,
} from './slices';

/** What a slice is injected by: `@Inject(httpConfig.KEY) http: HttpConfig`. */
const slice = (name: keyof Settings): { readonly KEY: string } => ({ KEY: getConfigToken(name) });

export const appConfig = slice('app');
export const httpConfig = slice('http');
export const clusterConfig = slice('cluster');
export const modelsConfig = slice('models');
export const inferenceConfig = slice('inference');
export const processingConfig = slice('processing');
export const loggingConfig = slice('logging');
export const metricsConfig = slice('metrics');
export const tracingConfig = slice('tracing');
export const cacheConfig = slice('cache');
export const remoteConfig = slice('remote');
export const accessConfig = slice('access');
