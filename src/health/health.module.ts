import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { PredictionCacheModule } from '../cache/prediction-cache.module';
import { ModelsModule } from '../models/models.module';
import { SessionsModule } from '../sessions/sessions.module';
import { HealthController } from './health.controller';

@Module({
  // Its own log line for each failed check would repeat every second of a slow start.
  imports: [TerminusModule.forRoot({ logger: false }), ModelsModule, SessionsModule, PredictionCacheModule],
  controllers: [HealthController],
})
export class HealthModule {}
