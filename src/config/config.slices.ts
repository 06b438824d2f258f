import { registerAs } from '@nestjs/config';
import { settings } from './settings';

export type {
  AccessConfig,
  AppConfig,
  CacheConfig,
  ClusterConfig,
  HttpConfig,
  InferenceConfig,
  LoggingConfig,
  ModelsConfig,
  RemoteConfig,
} from './slices';

// Injected with `@Inject(httpConfig.KEY) http: HttpConfig`.
export const appConfig = registerAs('app', () => settings().app);
export const httpConfig = registerAs('http', () => settings().http);
export const clusterConfig = registerAs('cluster', () => settings().cluster);
export const modelsConfig = registerAs('models', () => settings().models);
export const inferenceConfig = registerAs('inference', () => settings().inference);
export const loggingConfig = registerAs('logging', () => settings().logging);
export const cacheConfig = registerAs('cache', () => settings().cache);
export const remoteConfig = registerAs('remote', () => settings().remote);
export const accessConfig = registerAs('access', () => settings().access);
