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
import { RemoteModule } from '../runners/remote/remote.module';
import { systemClock } from '../common/clock';
import { Scheduler } from '../scheduling/scheduler';
import { CPU_PLAN, CpuModule } from '../process/cpu/cpu.module';
import { OnnxModule } from '../runners/onnx/onnx.module';
import type { CpuPlan } from '../process/cpu/cpu-plan';
import { declaredModels } from './repository/declared-models';
import { LocalCoordinator } from './rollout/local-coordinator';
import { WorkerJoin } from './rollout/worker-join';
import { Participant } from './rollout/participant';
import { ModelLoader } from './loading/model-loader';
import { ModelRegistry } from './loading/model-registry';
import { ModelRepository } from './repository/model-repository';
import { ModelsHealthIndicator } from './models.health';
import { ModelsService } from './models.service';
import { VersionOpener } from './loading/version-opener';
import { Watchdog } from './rollout/watchdog';

@Module({
  imports: [CpuModule, RemoteModule, OnnxModule, TerminusModule],
  providers: [
    ModelsService,
    ModelLoader,
    VersionOpener,
    ModelRegistry,
    Participant,
    WorkerJoin,
    ModelsHealthIndicator,
    LocalCoordinator,
    Watchdog,
    {
      provide: ModelRepository,
      inject: [modelsConfig.KEY, remoteConfig.KEY],
      useFactory: ({ dir }: ModelsConfig, remote: RemoteConfig) =>
        new ModelRepository(dir, declaredModels(dir, remote)),
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
