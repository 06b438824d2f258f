import { type DynamicModule, Module } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import type { Settings } from './slices';

/** Hands the slices of the settings out to every module of one application. */
@Module({})
export class ConfigurationModule {
  static with(settings: Settings): DynamicModule {
    return {
      module: ConfigurationModule,
      imports: [
        ConfigModule.forRoot({
          isGlobal: true,
          ignoreEnvFile: true,
          skipProcessEnv: true,
          cache: true,
          load: Object.entries(settings).map(([name, slice]) => registerAs(name, () => slice as object)),
        }),
      ],
    };
  }
}
