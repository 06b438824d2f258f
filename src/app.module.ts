import { type DynamicModule, Module } from '@nestjs/common';
import type { Settings } from './config/slices';
import { ConfigurationModule } from './config/configuration.module';
import { AccessModule } from './access/access.module';
import { HealthModule } from './health/health.module';
import { HttpModule } from './http/http.module';
import { IpcModule } from './process/ipc/ipc.module';
import { LoggingModule } from './telemetry/logging/logging.module';
import { MetricsModule } from './telemetry/metrics/metrics.module';
import { TracingModule } from './telemetry/tracing/tracing.module';
import { NativeModule } from './protocols/native/native.module';
import { OpenInferenceModule } from './protocols/open-inference/open-inference.module';
import { OpenAiModule } from './protocols/openai/openai.module';
import { AdminModule } from './admin/admin.module';

@Module({
  imports: [
    LoggingModule,
    IpcModule,
    MetricsModule,
    TracingModule,
    HttpModule,
    AccessModule,
    NativeModule,
    OpenInferenceModule,
    OpenAiModule,
    HealthModule,
    AdminModule,
  ],
})
export class AppModule {
  /** The application with these settings: there may be several of them in one process. */
  static with(settings: Settings): DynamicModule {
    return { module: AppModule, imports: [ConfigurationModule.with(settings)] };
  }
}
