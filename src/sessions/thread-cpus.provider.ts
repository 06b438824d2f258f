import type { Provider } from '@nestjs/common';
import { type ClusterConfig, clusterConfig } from '../config/config.slices';
import { allowedCpus, type ThreadCpus, threadCpus } from './thread-affinity';

/** Injects the `ThreadCpus` of this process, undefined where its threads are not bound. */
export const THREAD_CPUS = Symbol('THREAD_CPUS');

// Made while the application starts: later the main thread is bound and no longer shows what the process may use.
export const threadCpusProvider: Provider = {
  provide: THREAD_CPUS,
  inject: [clusterConfig.KEY],
  useFactory: ({ cpuAffinity }: ClusterConfig): ThreadCpus | undefined =>
    threadCpus(cpuAffinity, allowedCpus()),
};
