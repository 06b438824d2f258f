import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  type ClusterConfig,
  clusterConfig,
  type ProcessingConfig,
  processingConfig,
} from '../config/config.slices';
import { DomainError } from '../errors/domain-error';
import { CPU_PLAN } from '../process/cpu/cpu.module';
import type { CpuPlan } from '../process/cpu/cpu-plan';
import { RunRecording } from '../process/run-recording';
import { FAMILIES } from '../telemetry/metrics/metric-families';
import { Recorder, type Tally } from '../telemetry/metrics/recorder';
import type { AssetFiles } from './assets';
import { type Declaration, type DeclarationConfig, declarationOf } from './declaration';
import type { Signature } from './declared-type';
import { ModelProcessing } from './model-processing';
import { bindPipeline } from './pipeline';
import { ProcessingPool } from './pool/processing-pool';
import { recognise } from './recognition/recognise';
import { type FileFacts, NOTHING_RECOGNISED, type Recognised } from './recognition/recognised';

export interface OpenedProcessing {
  /** Undefined where nothing is declared. */
  readonly processing: ModelProcessing | undefined;
  /** Why what lies beside the model was not used; empty when there is nothing to say. */
  readonly processingReason: string;
}

/** Opens what models declare, on the processing threads of this process. */
@Injectable()
export class Processing implements OnApplicationShutdown {
  private readonly pool: ProcessingPool;

  constructor(
    @Inject(processingConfig.KEY) config: ProcessingConfig,
    @Inject(clusterConfig.KEY) { threadNiceness }: ClusterConfig,
    @Inject(CPU_PLAN) { slots }: CpuPlan,
    recording: RunRecording,
    recorder: Recorder,
  ) {
    const {
      maxQueue,
      maxImagePixels,
      imageMemoryBytes,
      maxInputs,
      maxTableRows,
      maxTableColumns,
      maxCellLength,
    } = config;
    this.pool = new ProcessingPool({
      threads: slots,
      maxWaiting: maxQueue,
      recording,
      setup: {
        niceness: threadNiceness,
        limits: {
          maxImagePixels,
          imageBytes: Math.floor(imageMemoryBytes / slots),
          maxInputs,
          tables: { maxRows: maxTableRows, maxColumns: maxTableColumns, maxCellLength },
        },
      },
    });
    recorder.beforeSnapshot((server) => tellMetrics(server, this.pool));
  }

  /**
   * What `model.yaml`, the model's file and the files beside it declare.
   * @param files of the folder that is the model's own; undefined where it has none
   * @throws model_unavailable, whose details list every fault
   */
  async declare(
    config: DeclarationConfig,
    files: AssetFiles | undefined,
    file: FileFacts,
  ): Promise<Declaration> {
    return declarationOf(config, await recognised(config, files, file));
  }

  /**
   * Holds a declaration against a session, and makes the threads ready for it. What files alone say is left aside where
   * it does not fit the model, and the reason kept: without them it would serve as well.
   * @throws model_unavailable, whose details list every fault
   */
  async open(
    declaration: Declaration,
    signature: Signature,
    assets: AssetFiles,
    label: string,
  ): Promise<OpenedProcessing> {
    const { isOwn, reason } = declaration;
    try {
      return { processing: await this.bind(declaration, signature, assets, label), processingReason: reason };
    } catch (error) {
      if (isOwn || !(error instanceof DomainError) || error.code !== 'model_unavailable') throw error;
      return { processing: undefined, processingReason: error.message };
    }
  }

  private async bind(
    declaration: Declaration,
    signature: Signature,
    assets: AssetFiles,
    label: string,
  ): Promise<ModelProcessing | undefined> {
    const pipeline = await bindPipeline(declaration, signature, assets);
    if (pipeline === undefined) return undefined;
    const plans = pipeline.inputs.map(({ plan }) => plan);
    const opened = await this.pool.open(plans, pipeline.outputs, label);
    return new ModelProcessing(this.pool, pipeline, opened, signature.inputs, assets, declaration.isOwn);
  }

  /** Since when the longest-lasting piece of work has a thread, on `performance.now()`; Infinity: there is none. */
  get busySinceMs(): number {
    return this.pool.busySinceMs;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.shutDown();
  }
}

/** A file that cannot be read is no reason to refuse a model that says all by itself. */
async function recognised(
  config: DeclarationConfig,
  files: AssetFiles | undefined,
  file: FileFacts,
): Promise<Recognised> {
  if (config.pipeline === 'off') return NOTHING_RECOGNISED;
  try {
    return await recognise(files, file, config);
  } catch (error) {
    if (error instanceof DomainError) return { facts: [], reason: error.message };
    throw error;
  }
}

/** Tells the metrics of this process what its processing threads have done, and have to do. */
function tellMetrics(
  server: Tally<'server'>,
  { processed: { count, busyMs, waitedMs }, waitingCount, threadCount }: ProcessingPool,
): void {
  for (const work of ['prepare', 'finish'] as const) {
    server.set(FAMILIES.processed.at[work], count[work]);
    server.set(FAMILIES.processingSeconds.at[work], busyMs[work]);
  }
  server.set(FAMILIES.processingWait.at, waitedMs);
  server.set(FAMILIES.processingWaiting.at, waitingCount);
  server.set(FAMILIES.processingThreads.at, threadCount);
}
