import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  type ClusterConfig,
  clusterConfig,
  type ModelsConfig,
  modelsConfig,
} from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { RunRecording } from './run-recording';
import { type RunnerOptions, SessionRunner } from './session-runner';
import { SessionThread } from './session-thread';
import type { CpuPlan } from '../../process/cpu/cpu-plan';
import { CPU_PLAN } from '../../process/cpu/cpu.module';

export interface OpenOptions extends Omit<RunnerOptions, 'intraOpThreads'> {
  /** Undefined: as the thread plan says. */
  readonly intraOpThreads: number | undefined;
}

/** Opens the sessions of this process, and closes what is still open when the application ends. */
@Injectable()
export class SessionFactory implements OnApplicationShutdown {
  private readonly runners = new Set<SessionRunner>();
  private ending = false;

  constructor(
    @Inject(clusterConfig.KEY) private readonly cluster: ClusterConfig,
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    @Inject(CPU_PLAN) private readonly plan: CpuPlan,
    private readonly recording: RunRecording,
  ) {}

  /**
   * Loads a model on as many threads as it has instances.
   * @throws DomainError `runtime_failure` when it does not load, `model_unavailable` when that takes too long,
   * `draining` when the application is ending
   */
  async open(options: OpenOptions): Promise<SessionRunner> {
    const draining = new DomainError('draining', 'the server is stopping');
    if (this.ending) throw draining;
    const session = { ...options, intraOpThreads: options.intraOpThreads ?? this.plan.intraOpThreads };
    const runner = await SessionRunner.open(session, {
      niceness: this.cluster.threadNiceness,
      timeoutMs: this.models.loadTimeoutMs,
      recording: this.recording,
    });
    this.runners.add(runner);
    void runner.closed.then(() => this.runners.delete(runner));
    if (!this.ending) return runner;
    await runner.close();
    throw draining;
  }

  async onApplicationShutdown(): Promise<void> {
    this.ending = true;
    await Promise.all([...this.runners].map((runner) => runner.close()));
    // Those of a load in progress, or of one that took too long: a process must not exit under them.
    await SessionThread.closeAll();
  }
}
