import { Module } from '@nestjs/common';
import { ConfigurationModule } from './config/configuration.module';
import { HealthModule } from './health/health.module';
import { HttpModule } from './http/http.module';
import { InferenceModule } from './inference/inference.module';
import { LinkModule } from './link/link.module';
import { LoggingModule } from './logging/logging.module';
import { MetricsModule } from './metrics/metrics.module';
import { OpenInferenceModule } from './open-inference/open-inference.module';
import { RootController } from './root.controller';

@Module({
  imports: [
    ConfigurationModule,
    LoggingModule,
    LinkModule,
    MetricsModule,
    HttpModule,
    InferenceModule,
    OpenInferenceModule,
    HealthModule,
  ],
  controllers: [RootController],
})
export class AppModule {}
