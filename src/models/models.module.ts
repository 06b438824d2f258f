import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import {
  inferenceConfig,
  type InferenceConfig,
  modelsConfig,
  type ModelsConfig,
} from '../config/config.slices';
import { RUNNER_KINDS, type RunnerKind } from '../runners/runner-kind';
import { ProcessingModule } from '../processing/processing.module';
import { RunnersModule } from '../runners/runners.module';
import { systemClock } from '../common/clock';
import { Scheduler } from '../scheduling/scheduler';
import { CPU_PLAN, CpuModule } from '../process/cpu/cpu.module';
import type { CpuPlan } from '../process/cpu/cpu-plan';
import { LocalCoordinator } from './rollout/local-coordinator';
import { WorkerJoin } from './rollout/worker-join';
import { Participant } from './rollout/participant';
import { ModelLoader } from './loading/model-loader';
import { ModelRegistry } from './loading/model-registry';
import { ModelRepository } from './repository/model-repository';
import { ModelsHealthIndicator } from './models.health';
import { ModelsService } from './models.service';
import { ServerDigests } from './loading/server-digests';
import { VersionOpener } from './loading/version-opener';
import { Watchdog } from './rollout/watchdog';

@Module({
  imports: [CpuModule, ProcessingModule, RunnersModule, TerminusModule],
  providers: [
    ModelsService,
    ModelLoader,
    ServerDigests,
    VersionOpener,
    ModelRegistry,
    Participant,
    WorkerJoin,
    ModelsHealthIndicator,
    LocalCoordinator,
    Watchdog,
    {
      provide: ModelRepository,
      inject: [modelsConfig.KEY, RUNNER_KINDS],
      useFactory: ({ dir, only }: ModelsConfig, kinds: readonly RunnerKind[]) =>
        new ModelRepository(dir, kinds, only),
    },
    {
      provide: Scheduler,
      inject: [CPU_PLAN, inferenceConfig.KEY],
      useFactory: ({ slots }: CpuPlan, limits: InferenceConfig) =>
        new Scheduler({ slots, clock: systemClock, limits }),
    },
  ],
  exports: [ModelsService, ModelsHealthIndicator],
})
export class ModelsModule {}
