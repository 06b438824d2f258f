import { type DynamicModule, Global, Module } from '@nestjs/common';
import { sliceToken } from './config.slices';
import type { Settings } from './slices';

/** Hands the slices of the settings out to every module of one application. */
@Global()
@Module({})
export class ConfigurationModule {
  static with(settings: Settings): DynamicModule {
    const slices = Object.entries(settings).map(([name, slice]) => ({
      provide: sliceToken(name as keyof Settings),
      useValue: slice,
    }));
    return { module: ConfigurationModule, providers: slices, exports: slices };
  }
}
