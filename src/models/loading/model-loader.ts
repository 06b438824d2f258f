import { Injectable } from '@nestjs/common';
import { EventLogger } from '../../telemetry/logging/event-logger';
import { reasonOf } from '../../errors/domain-error';
import { Recorder } from '../../telemetry/metrics/recorder';
import { type BatchCheck, declaresBatch, verifyBatching } from '../../scheduling/batch-check';
import type { JsonObject } from '../../config/yaml/json-value';
import { inWords } from '../../processing/in-words';
import type { ModelProcessing } from '../../processing/model-processing';
import { DEFAULT_PRIORITY_LEVEL } from '../../scheduling/scheduled-request';
import { neverEmpty, type SeenRun, type TriedRunner } from '../../scheduling/empty-inputs';
import { Scheduler } from '../../scheduling/scheduler';
import type { Tensor, TensorSpec } from '../../tensors/tensor';
import { checkGoldenCases } from './golden-check';
import { checkProven } from './proven-answer';
import type { ModelConfig } from '../repository/model-config';
import { type VersionEntry, versionDigest } from './model-entry';
import { Lease, type LoadedModel, loadedModel } from './loaded-model';
import { LoadLog } from './load-log';
import { paddingFault, type Proof, shownOutputs } from './proof';
import { namedInputsOf } from '../../tensors/json/named-inputs';
import { EXAMPLE_ELEMENTS, findWarmUpInputs, type WarmUpInputs } from './warm-up-inputs';
import { type OpenedVersion, VersionOpener } from './version-opener';

const MAX_PROOFS = 10_000;

/** Takes a version from its files to one that is warm and may serve, and back. */
@Injectable()
export class ModelLoader {
  private readonly logger = new EventLogger(ModelLoader.name);
  /** Of small models that come and go, by digest: they are not run again for what is known. */
  private readonly proofs = new Map<string, Proof>();
  private readonly unloads = new LoadLog('model unloaded here', 'more models unloaded here', (event) =>
    // As with a load: the coordinator says it once for the server.
    this.logger.debug(event),
  );
  private wrongBatches: (served: LoadedModel, reason: string) => void = () => undefined;

  constructor(
    private readonly opener: VersionOpener,
    private readonly scheduler: Scheduler,
    private readonly recorder: Recorder,
  ) {}

  /** Has `listener` told when a version's batches turn out to be wrong, which by then has no more of them. */
  onWrongBatches(listener: (served: LoadedModel, reason: string) => void): void {
    this.wrongBatches = listener;
  }

  /** @throws whatever kept the version from being loaded; nothing stays open then */
  async load(entry: VersionEntry): Promise<LoadedModel> {
    const startedAtMs = performance.now();
    const opened = await this.opener.open(entry);
    try {
      const served = await this.warm(entry, opened);
      served.recorder.loaded(served.queue, served.memoryBytes, served.weights?.sharedBytes);
      entry.load = {
        ms: Math.round(performance.now() - startedAtMs),
        ...inWords({ ...served, pipeline: served.processing?.pipeline }),
        batching: served.batching.enabled,
        ...(served.batching.reason && { batchingReason: served.batching.reason }),
        ...(opened.random && { cacheReason: opened.random }),
      };
      // Once for each worker; the coordinator says it once for the server.
      const { model, version, load } = entry;
      this.logger.debug({ msg: 'model loaded here', model, version, ...load });
      return served;
    } catch (error) {
      opened.processing?.close();
      await opened.runner.close();
      throw error;
    }
  }

  /** Lets what is queued and running finish, then gives the session's memory back. */
  async unload(served: LoadedModel): Promise<void> {
    await served.queue.drain();
    served.queue.remove();
    served.processing?.close();
    await served.runner.close();
    served.recorder.unloaded(served.queue);
    this.unloads.add({ model: served.name, version: served.version });
  }

  private async warm(entry: VersionEntry, opened: OpenedVersion): Promise<LoadedModel> {
    const { config, model, version } = entry;
    const { runner, description, memoryBytes, weights, digest, random, coupling, mayGuess } = opened;
    const { defaulted, processing, processingReason, optimized } = opened;
    const whole = versionDigest(digest, config);
    const light = opened.light && (processing === undefined || processing.isLight);
    const proof = light ? this.proofs.get(whole) : undefined;
    // What a process may end of is not tried either.
    const tried = config.allowEmpty ? asItIs(runner) : neverEmpty(runner);
    const seen = proof
      ? proof.seen
      : await this.acceptedSample(entry, tried, mayGuess(runner.inputs), processing);
    if (proof === undefined && optimized !== undefined) await checkProven(tried, optimized);
    await checkGoldenCases(tried, config.golden, processing);
    const outputs = proof?.outputs ?? (await shownOutputs(tried, seen?.inputs));
    const batching =
      proof?.batching ?? (await decideBatching(config, withOutputs(tried, outputs), coupling, seen?.inputs));
    if (processing !== undefined) await this.checkPadding(entry, processing, tried);
    const deterministic = config.deterministic && random === undefined;
    const queue = this.scheduler.register({
      key: `${model}/${version}`,
      runner,
      batchable: batching.batchable,
      maxBatchRows: config.maxBatchRows,
      maxQueueDelayMs: config.maxQueueDelayMs,
      weight: config.weight,
      refusesEmpty: !config.allowEmpty,
      takesSlot: !config.elsewhere,
      // What another server adds up may differ in the last digits, and its runs may cost money.
      audited: deterministic && !config.elsewhere,
      onBatchesWrong: (reason) => this.wrongBatches(served, reason),
    });
    const served: LoadedModel = loadedModel({
      name: model,
      version,
      config,
      inputs: runner.inputs,
      outputs,
      defaulted,
      runner,
      description,
      queue,
      batching: { enabled: batching.batchable, reason: batching.reason },
      sample: seen?.inputs,
      seen,
      use: new Lease(),
      memoryBytes,
      weights,
      light: light && provesNothing(config),
      digest,
      deterministic,
      recorder: this.recorder.model(model, version),
      processing,
      processingReason,
    });
    try {
      await this.runWarmUps(served, proof === undefined);
    } catch (error) {
      queue.remove();
      throw error;
    }
    queue.observer = served.recorder;
    if (light) this.keep({ digest: whole, seen, batching, outputs });
    return served;
  }

  /** What runs have shown of a small version, here or on another worker. */
  proofOf({ digest }: VersionEntry): Proof | undefined {
    return this.proofs.get(digest);
  }

  keep(proof: Proof): void {
    if (this.proofs.size >= MAX_PROOFS) this.proofs.clear();
    this.proofs.set(proof.digest, proof);
  }

  private async checkPadding(
    { model, version }: VersionEntry,
    processing: ModelProcessing,
    runner: TriedRunner,
  ): Promise<void> {
    const reason = await paddingFault(processing, runner);
    if (reason === undefined) return;
    processing.mayPad = false;
    this.logger.warn({ msg: 'texts run with those of their own length alone', model, version, reason });
  }

  /** Inputs that the model was seen to accept. */
  private async acceptedSample(
    { config, model, version }: VersionEntry,
    runner: TriedRunner,
    mayGuess: boolean,
    processing: ModelProcessing | undefined,
  ): Promise<SeenRun | undefined> {
    const [given] = config.example ? await samplesOf(config.example, runner.inputs, processing) : [];
    if (given === undefined && !mayGuess) return undefined;
    let outputs: readonly Tensor[] = [];
    const found = await findWarmUpInputs(runner.inputs, given, async (inputs) => {
      outputs = await runner.run([inputs]);
    });
    if ('sample' in found) {
      return {
        inputs: found.sample,
        outputShapes: outputs.map(({ shape }) => shape),
        ...(isReadable(outputs) && { outputs: outputs.map(ownCopy) }),
      };
    }
    this.logger.warn({ msg: 'no warm-up input was accepted', model, version, reason: found.reason });
    return undefined;
  }

  /** What real requests will do: through the queue, the thread and back. */
  private async runWarmUps(served: LoadedModel, withSample: boolean): Promise<void> {
    const inputs = served.sample && withSample ? [served.sample] : [];
    for (const values of served.config.warmup) {
      inputs.push(...(await samplesOf(values, served.inputs, served.processing)));
    }
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

/** Is there nothing that has to be run each time before a version serves? */
function provesNothing({ golden, warmup, cache }: ModelConfig): boolean {
  return golden.length === 0 && warmup.length === 0 && cache.warmupFile === undefined;
}

/** Is it worth keeping for people to read? */
function isReadable(tensors: readonly Tensor[]): boolean {
  return tensors.reduce((sum, { data }) => sum + data.length, 0) <= EXAMPLE_ELEMENTS;
}

/** In memory of its own: the runtime may use its again. */
function ownCopy({ name, datatype, shape, data }: Tensor): Tensor {
  return { name, datatype, shape, data: data.slice() };
}

/** Tensors out of values in `model.yaml`: the model's own inputs, or what its declared ones become. */
async function samplesOf(
  values: JsonObject,
  specs: readonly TensorSpec[],
  processing: ModelProcessing | undefined,
): Promise<WarmUpInputs[]> {
  const declared = await processing?.sample(values);
  if (processing === undefined || declared === undefined) return [namedInputsOf(values, specs)];
  const runs = await processing.prepare(declared, { deadlineMs: Infinity });
  return runs.map(({ tensors }) => tensors);
}

/** The runner as one that is tried. */
function asItIs(runner: TriedRunner): TriedRunner {
  return { inputs: runner.inputs, outputs: runner.outputs, run: (batch) => runner.run(batch) };
}

function withOutputs({ inputs, run }: TriedRunner, outputs: readonly TensorSpec[]): TriedRunner {
  return { inputs, outputs, run };
}

async function decideBatching(
  config: ModelConfig,
  runner: TriedRunner,
  coupling: string | undefined,
  sample: WarmUpInputs | undefined,
): Promise<BatchCheck> {
  if (config.batching === false) {
    const switched = config.elsewhere ? 'not switched on' : 'switched off';
    return { batchable: false, reason: `${switched} in model.yaml` };
  }
  const declared = declaresBatch(runner.inputs, runner.outputs);
  // Whoever switches it on for a remote knows it; what a server far away adds up may differ in the last digits.
  if (!declared.batchable || config.elsewhere) return declared;
  // The same goes for whoever says so in model.yaml: only the audit has more to say.
  if (config.batching === true) return declared;
  if (coupling !== undefined) return { batchable: false, reason: coupling };
  if (sample === undefined) return { batchable: false, reason: 'no input is known that the model accepts' };
  try {
    return await verifyBatching(runner, sample);
  } catch (error) {
    return { batchable: false, reason: `the check failed: ${reasonOf(error)}` };
  }
}
