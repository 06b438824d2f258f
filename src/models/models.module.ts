import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import {
  inferenceConfig,
  type InferenceConfig,
  modelsConfig,
  type ModelsConfig,
  remoteConfig,
  type RemoteConfig,
} from '../config/config.slices';
import { RemoteModule } from '../remote/remote.module';
import { systemClock } from '../scheduling/clock';
import { Scheduler } from '../scheduling/scheduler';
import { THREAD_PLAN, SessionsModule } from '../sessions/sessions.module';
import type { ThreadPlan } from '../sessions/thread-plan';
import { declaredModels } from './declared-models';
import { LocalCoordinator } from './local-coordinator';
import { Membership } from './membership';
import { ModelChanges } from './model-changes';
import { ModelLoader } from './model-loader';
import { ModelRegistry } from './model-registry';
import { ModelRepository } from './model-repository';
import { ModelsHealthIndicator } from './models.health';
import { ModelsService } from './models.service';
import { VersionOpener } from './version-opener';
import { RunWatch } from './run-watch';

@Module({
  imports: [RemoteModule, SessionsModule, TerminusModule],
  providers: [
    ModelsService,
    ModelLoader,
    VersionOpener,
    ModelRegistry,
    ModelChanges,
    Membership,
    ModelsHealthIndicator,
    LocalCoordinator,
    RunWatch,
    {
      provide: ModelRepository,
      inject: [modelsConfig.KEY, remoteConfig.KEY],
      useFactory: ({ dir }: ModelsConfig, remote: RemoteConfig) =>
        new ModelRepository(dir, declaredModels(dir, remote)),
    },
    {
      provide: Scheduler,
      inject: [THREAD_PLAN, inferenceConfig.KEY],
      useFactory: ({ slots }: ThreadPlan, limits: InferenceConfig) =>
        new Scheduler({ slots, clock: systemClock, limits }),
    },
  ],
  exports: [ModelsService, ModelsHealthIndicator],
})
export class ModelsModule {}
