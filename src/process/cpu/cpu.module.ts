import { Module } from '@nestjs/common';
import { type ClusterConfig, clusterConfig } from '../../config/config.slices';
import { type CpuPlan, cpuQuota, planCpus } from './cpu-plan';

/** Injects the `CpuPlan` of this process, which is the one that the primary made. */
export const CPU_PLAN = Symbol('CPU_PLAN');

@Module({
  providers: [
    {
      provide: CPU_PLAN,
      inject: [clusterConfig.KEY],
      useFactory: ({ workers, executionSlots }: ClusterConfig): CpuPlan =>
        planCpus({ quota: cpuQuota(), workers, slots: executionSlots }),
    },
  ],
  exports: [CPU_PLAN],
})
export class CpuModule {}
