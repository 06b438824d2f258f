import { Injectable, Logger } from '@nestjs/common';
import { reasonOf } from '../errors/domain-error';
import { Recorder } from '../metrics/recorder';
import { type BatchCheck, declaresBatch, verifyBatching } from '../scheduling/batch-check';
import type { ModelRunner } from '../scheduling/model-runner';
import { DEFAULT_PRIORITY_LEVEL } from '../scheduling/priority';
import { Scheduler } from '../scheduling/scheduler';
import { SessionFactory } from '../sessions/session-factory';
import { contentDigest } from './content-digest';
import { findExternalData } from './external-data';
import { checkGoldenCases } from './golden-case';
import type { ModelConfig } from './model-config';
import type { VersionEntry } from './model-entry';
import { ModelUse } from './model-use';
import { findSample, type SampleInputs, sampleFromJson } from './sample-inputs';
import type { ServedModel } from './served-model';

/** Takes a version from its files to one that is warm and may serve, and back. */
@Injectable()
export class ModelLoader {
  private readonly logger = new Logger(ModelLoader.name);

  constructor(
    private readonly sessions: SessionFactory,
    private readonly scheduler: Scheduler,
    private readonly recorder: Recorder,
  ) {}

  /** @throws whatever kept the version from being loaded; nothing stays open then */
  async load(entry: VersionEntry): Promise<ServedModel> {
    const startedAtMs = performance.now();
    const { config, found } = entry;
    const externalData = await findExternalData(found.file);
    const memoryBytes =
      config.instances * externalData.reduce((sum, { sizeBytes }) => sum + sizeBytes, found.sizeBytes);
    const digest = await contentDigest({ modelFile: found.file, externalData }, config);
    const runner = await this.sessions.open({
      modelFile: found.file,
      instances: config.instances,
      intraOpThreads: config.intraOpThreads,
      interOpThreads: config.interOpThreads,
      graphOptimization: config.graphOptimization,
      executionProviders: config.executionProviders,
    });
    try {
      const served = await this.warm(entry, runner, memoryBytes, digest);
      served.recorder.loaded(served.queue, memoryBytes);
      this.logger.log({
        msg: 'model loaded',
        model: entry.model,
        version: entry.version,
        ms: Math.round(performance.now() - startedAtMs),
        batching: served.batching.enabled,
        ...(served.batching.reason && { batchingReason: served.batching.reason }),
      });
      return served;
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  /** Lets what is queued and running finish, then gives the session's memory back. */
  async unload(served: ServedModel): Promise<void> {
    await served.queue.drain();
    served.queue.remove();
    await served.runner.close();
    served.recorder.unloaded(served.queue);
    this.logger.log({ msg: 'model unloaded', model: served.name, version: served.version });
  }

  private async warm(
    entry: VersionEntry,
    runner: ModelRunner,
    memoryBytes: number,
    digest: string,
  ): Promise<ServedModel> {
    const { config, model, version } = entry;
    const found = await findSample(runner.inputs, givenSample(config, runner), (inputs) =>
      runner.run([inputs]),
    );
    const sample = 'sample' in found ? found.sample : undefined;
    if ('reason' in found) {
      this.logger.warn({ msg: 'no warm-up input was accepted', model, version, reason: found.reason });
    }
    await checkGoldenCases(runner, config.golden);
    const batching = await decideBatching(config, runner, sample);
    const queue = this.scheduler.register({
      key: `${model}/${version}`,
      runner,
      batchable: batching.batchable,
      maxBatchRows: config.maxBatchRows,
      maxQueueDelayMs: config.maxQueueDelayMs,
      weight: config.weight,
    });
    const served: ServedModel = {
      name: model,
      version,
      config,
      inputs: runner.inputs,
      outputs: runner.outputs,
      runner,
      queue,
      batching: { enabled: batching.batchable, reason: batching.reason },
      sample,
      use: new ModelUse(),
      memoryBytes,
      digest,
      recorder: this.recorder.model(model, version),
    };
    await this.runWarmUps(served);
    queue.observer = served.recorder;
    return served;
  }

  /** What real requests will do: through the queue, the thread and back. */
  private async runWarmUps(served: ServedModel): Promise<void> {
    const inputs = served.sample ? [served.sample] : [];
    for (const values of served.config.warmup) inputs.push(sampleFromJson(values, served.inputs));
    for (const sample of inputs) {
      await served.queue.submit({
        inputs: sample,
        rows: sample[0]?.shape[0] ?? 1,
        priority: DEFAULT_PRIORITY_LEVEL,
        deadlineMs: Infinity,
      });
    }
  }
}

function givenSample(config: ModelConfig, runner: ModelRunner): SampleInputs | undefined {
  return config.example && sampleFromJson(config.example, runner.inputs);
}

async function decideBatching(
  config: ModelConfig,
  runner: ModelRunner,
  sample: SampleInputs | undefined,
): Promise<BatchCheck> {
  if (!config.batching) return { batchable: false, reason: 'switched off in model.yaml' };
  const declared = declaresBatch(runner.inputs, runner.outputs);
  if (!declared.batchable) return declared;
  if (sample === undefined) return { batchable: false, reason: 'no input is known that the model accepts' };
  try {
    return await verifyBatching(runner, sample);
  } catch (error) {
    return { batchable: false, reason: `the check failed: ${reasonOf(error)}` };
  }
}
