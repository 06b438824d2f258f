import { Global, Module } from '@nestjs/common';
import {
  type AppConfig,
  appConfig,
  type InferenceConfig,
  inferenceConfig,
  type MetricsConfig,
  metricsConfig,
} from '../../config/config.slices';
import { Ipc } from '../../process/ipc/ipc.service';
import { Exposition } from './exposition';
import { MetricsService } from './metrics.service';
import { ProcessWatch } from '../../process/process-watch';
import { Recorder } from './recorder';
import { buildInfo } from './server-snapshot';
import { WorkerMetrics } from './worker-metrics';

/** Global: everything that is counted is counted by the one recorder of the process. */
@Global()
@Module({
  providers: [
    { provide: Recorder, useFactory: () => new Recorder() },
    {
      provide: MetricsService,
      inject: [Ipc, Recorder, appConfig.KEY, inferenceConfig.KEY, metricsConfig.KEY],
      useFactory: (
        ipc: Ipc,
        recorder: Recorder,
        app: AppConfig,
        inference: InferenceConfig,
        metrics: MetricsConfig,
      ) => {
        const watch = new ProcessWatch();
        const worker = new WorkerMetrics(ipc, recorder, watch, inference.maxQueueRequests);
        return new MetricsService(ipc, worker, watch, new Exposition(buildInfo(app.version), metrics));
      },
    },
  ],
  exports: [Recorder, MetricsService],
})
export class MetricsModule {}
