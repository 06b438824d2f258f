import type { Provider } from '@nestjs/common';
import { type ClusterConfig, clusterConfig } from '../config/config.slices';
import { cpuQuota, planThreads, type ThreadPlan } from './thread-plan';

/** Injects the `ThreadPlan` of this process, which is the one that the primary made. */
export const THREAD_PLAN = Symbol('THREAD_PLAN');

export const threadPlanProvider: Provider = {
  provide: THREAD_PLAN,
  inject: [clusterConfig.KEY],
  useFactory: ({ workers, executionSlots }: ClusterConfig): ThreadPlan =>
    planThreads({ quota: cpuQuota(), workers, slots: executionSlots }),
};
