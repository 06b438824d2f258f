import { PassingSet } from '../../common/passing';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  type ClusterConfig,
  clusterConfig,
  type ModelsConfig,
  modelsConfig,
} from '../../config/config.slices';
import type { FileStamp } from '../../common/file-stamp';
import { DomainError } from '../../errors/domain-error';
import { RunRecording } from '../../process/run-recording';
import type { WeightsInUse } from './prepared/prepared-models';
import type { SessionOptions } from './session-options';
import { type OpenThread, type RunnerOptions, type RunnerThread, SessionRunner } from './session-runner';
import { openAlone, SessionThread, type ThreadOptions } from './session-thread';
import { SharedThreads, type Unchanged } from './shared-threads';
import type { CpuPlan } from '../../process/cpu/cpu-plan';
import { CPU_PLAN } from '../../process/cpu/cpu.module';

/** With more nodes a load takes longer than it may hold up others, 20 ms: each costs 15 to 40 us, however small the file. */
const MOST_SHARED_NODES = 500;

export interface OpenOptions extends Omit<RunnerOptions, 'intraOpThreads'> {
  /** Undefined: as the CPU plan says. */
  readonly intraOpThreads: number | undefined;
  /** Of the model's files. */
  readonly sizeBytes: number;
  /** Of its graph. */
  readonly nodes: number;
  readonly unchanged: Unchanged;
  /** What its files have to be when it is opened first; undefined: whoever has it opened sees to that. */
  readonly stamp?: FileStamp;
}

/** Opens the sessions of this process, and closes what is still open when the application ends. */
@Injectable()
export class SessionFactory implements OnApplicationShutdown {
  private readonly runners = new PassingSet<SessionRunner>();
  private readonly thread: ThreadOptions;
  private readonly shared: SharedThreads;
  private ending = false;

  constructor(
    @Inject(clusterConfig.KEY) cluster: ClusterConfig,
    @Inject(modelsConfig.KEY) private readonly models: ModelsConfig,
    @Inject(CPU_PLAN) private readonly plan: CpuPlan,
    recording: RunRecording,
  ) {
    this.thread = { niceness: cluster.threadNiceness, timeoutMs: models.loadTimeoutMs, recording };
    this.shared = new SharedThreads(plan.slots, {
      ...this.thread,
      growthBytes: models.smallModelGrowthBytes,
    });
  }

  /**
   * Loads a model on as many threads as it has instances; a small one on a thread that it shares with others.
   * @throws DomainError `runtime_failure` when it does not load, `model_unavailable` when that takes too long,
   * `draining` when the application is ending
   */
  async open(
    { sizeBytes, nodes, unchanged, stamp, ...options }: OpenOptions,
    source?: Pick<WeightsInUse, 'prepared' | 'wrong'>,
  ): Promise<SessionRunner> {
    if (this.ending) throw stopping();
    const openThread: OpenThread = (session, expected) =>
      this.isSmall({ ...options, sizeBytes, nodes })
        ? this.shared.open({ ...session, intraOpThreads: 1 }, unchanged, expected)
        : this.openLarge(session, expected, source);
    const runner = await SessionRunner.open(this.planned(options), openThread, unchanged, stamp);
    this.runners.add(runner);
    void runner.closed.then(() => this.runners.delete(runner));
    if (!this.ending) return runner;
    await runner.close();
    throw stopping();
  }

  /** On a thread of its own; where anything is wrong with its prepared form, from its own files. */
  private async openLarge(
    session: SessionOptions,
    expected: FileStamp | undefined,
    source: Pick<WeightsInUse, 'prepared' | 'wrong'> | undefined,
  ): Promise<RunnerThread> {
    const prepared = source?.prepared;
    if (prepared !== undefined) {
      try {
        return await openAlone({ ...session, prepared }, this.thread, expected);
      } catch (error) {
        if (this.ending) throw error;
        source?.wrong(error);
      }
    }
    return openAlone(session, this.thread, expected);
  }

  async onApplicationShutdown(): Promise<void> {
    this.ending = true;
    await Promise.all([...this.runners].map((runner) => runner.close()));
    // Those of a load in progress, or of one that took too long: a process must not exit under them.
    await SessionThread.endAll();
  }

  /** With as many threads as the CPU plan gives it, where its settings say nothing. */
  planned<Options extends { readonly intraOpThreads: number | undefined }>(
    options: Options,
  ): Options & { readonly intraOpThreads: number } {
    return { ...options, intraOpThreads: options.intraOpThreads ?? this.plan.intraOpThreads };
  }

  /** May it live with others? Where the plan would give it several threads, one is enough for it. */
  isSmall(options: Omit<OpenOptions, 'unchanged' | 'stamp'>): boolean {
    const { instances, intraOpThreads = 1, interOpThreads, executionProviders } = options;
    const plain = instances === 1 && intraOpThreads === 1 && interOpThreads === 1;
    const onCpu = executionProviders.length === 1 && executionProviders[0] === 'cpu';
    const { modelFile, sizeBytes, nodes } = options;
    const isSmall = sizeBytes < this.models.smallModelBytes && nodes <= MOST_SHARED_NODES;
    return isSmall && plain && onCpu && !this.shared.isSlow(modelFile);
  }
}

function stopping(): DomainError {
  return new DomainError('draining', 'the server is stopping');
}
