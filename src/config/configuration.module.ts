import { Module } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import {
  accessConfig,
  appConfig,
  cacheConfig,
  clusterConfig,
  httpConfig,
  inferenceConfig,
  loggingConfig,
  modelsConfig,
  remoteConfig,
} from './config.slices';

/** Hands the slices out to every module. The environment itself has been read and checked by then. */
@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: true,
      skipProcessEnv: true,
      cache: true,
      load: [
        appConfig,
        httpConfig,
        clusterConfig,
        modelsConfig,
        inferenceConfig,
        loggingConfig,
        cacheConfig,
        remoteConfig,
        accessConfig,
      ],
    }),
  ],
})
export class ConfigurationModule {}
