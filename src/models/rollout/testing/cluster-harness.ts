import { Logger } from '@nestjs/common';
import type { ClusterConfig, ModelsConfig, ProcessingConfig } from '../../../config/config.slices';
import type { CpuPlan } from '../../../process/cpu/cpu-plan';
import type { RunRecording } from '../../../process/run-recording';
import { Processing } from '../../../processing/processing.service';
import { Recorder } from '../../../telemetry/metrics/recorder';
import { RpcChannel, type ChannelMessage } from '../../../process/ipc/rpc-channel';
import type { Ipc } from '../../../process/ipc/ipc.service';
import { KeptLog } from '../../../telemetry/logging/testing/kept-log';
import { failedReply, type Reply } from '../../../process/ipc/messages';
import type { RunnerKind } from '../../../runners/runner-kind';
import type { ModelRunner } from '../../../runners/runner';
import { WorkerJoin } from '../worker-join';
import { Participant } from '../participant';
import { Coordinator, type Standing } from '../coordinator';
import { contentDigest } from '../../repository/content-digest';
import { versionDigest } from '../../loading/model-entry';
import type { ModelLoader } from '../../loading/model-loader';
import type { Proof } from '../../loading/proof';
import { ModelRegistry } from '../../loading/model-registry';
import { ModelRepository } from '../../repository/model-repository';
import { Lease, type LoadedModel } from '../../loading/loaded-model';
import { VersionOpener } from '../../loading/version-opener';

/** A worker with all that it has to do with changes of models, but for the sessions: those only seem to open. */
export class TestWorker {
  readonly registry: ModelRegistry;
  readonly membership: WorkerJoin;
  joined = false;
  standing: Standing = 'needed';
  readonly waits = (): void => undefined;
  /** What became of it. */
  gone: 'died' | 'left' | undefined;
  /** Files of the sessions that were opened, in order. */
  readonly opened: string[] = [];
  /** Models that it had to try, as nobody had told it what their runs show. */
  readonly tried: string[] = [];
  /** What happens when a session is to open. */
  opening: (file: string) => void | Promise<void> = () => undefined;
  /** Tells that a version's batches were wrong, as the audit does. */
  wrongBatches: (served: LoadedModel, reason: string) => void = () => undefined;
  /** The coordinator's end of the line. */
  readonly line: RpcChannel;

  constructor(
    readonly id: number,
    folder: string,
    required: readonly string[],
  ) {
    const config = { loadTimeoutMs: 10_000, maxLoads: 16, required } as ModelsConfig;
    const here = new RpcChannel((message) => deliver(message, this.line));
    this.line = new RpcChannel((message) => deliver(message, here));
    const ipc: Pick<Ipc, 'handle' | 'askPrimary'> = {
      handle: (topic, handler) => here.handle(topic, handler),
      askPrimary: (topic, payload, timeoutMs) => here.ask(topic, payload, timeoutMs),
    };
    const kind: RunnerKind = {
      runtime: 'onnx',
      keys: {},
      elsewhere: false,
      open: async ({ file, expectContent }) => {
        if (file === undefined) throw new Error('there is no file');
        const digest = await file.digest([]);
        expectContent(digest);
        const runner = await this.open(file.path);
        const description = { backend: 'test', accelerated: false, instances: 1, settings: {} };
        return {
          runner,
          description,
          digest,
          memoryBytes: file.sizeBytes,
          weights: undefined,
          light: false,
          mayGuess: () => true,
        };
      },
    };
    // Its threads would start with the first model that declares something.
    const processing = new Processing(
      {} as ProcessingConfig,
      {} as ClusterConfig,
      { slots: 1 } as CpuPlan,
      {} as RunRecording,
      new Recorder(),
    );
    const opener = new VersionOpener([kind], { dir: folder } as ModelsConfig, processing, {
      of: contentDigest,
    });
    const proofs = new Map<string, Proof>();
    const loader: Pick<ModelLoader, 'load' | 'unload' | 'onWrongBatches' | 'proofOf' | 'keep'> = {
      load: async (entry) => {
        const { digest, memoryBytes } = await opener.open(entry);
        const batching = { enabled: true };
        const queue = { stopBatching: () => undefined };
        const { model: name, version, config } = entry;
        const whole = versionDigest(digest, config);
        if (!proofs.has(whole)) {
          this.tried.push(name);
          proofs.set(whole, { digest: whole, seen: undefined, batching: { batchable: true }, outputs: [] });
        }
        const runner = {};
        const parts = {
          name,
          version,
          digest,
          memoryBytes,
          config,
          batching,
          queue,
          runner,
          use: new Lease(),
        };
        return parts as unknown as LoadedModel;
      },
      onWrongBatches: (listener) => (this.wrongBatches = listener),
      unload: () => Promise.resolve(),
      proofOf: ({ digest }) => proofs.get(digest),
      keep: (proof) => void proofs.set(proof.digest, proof),
    };
    this.registry = new ModelRegistry(new ModelRepository(folder, [kind]));
    const changes = new Participant(config, this.registry, loader as ModelLoader, ipc as Ipc);
    this.membership = new WorkerJoin(config, this.registry, changes, ipc as Ipc);
  }

  admit(): void {
    this.joined = true;
  }

  /** It ends, or is told to leave and ends, in the middle of whatever it does. */
  end(how: 'died' | 'left'): void {
    this.gone = how;
    this.line.close(`process ${this.id} ended`);
  }

  /** What a request gets that names no version, or names one: the version and its settings. */
  answer(model: string, version?: string): string {
    const entry = this.registry.get(model)?.version(version);
    return entry?.served === undefined ? 'nothing' : `${entry.version}: ${entry.config.description ?? ''}`;
  }

  /** Why a model's requests run alone; empty where they do not. */
  alone(model: string): string {
    return this.registry.get(model)?.version(undefined)?.served?.batching.reason ?? '';
  }

  private async open(file: string): Promise<ModelRunner> {
    await this.opening(file);
    this.opened.push(file);
    return {
      inputs: [],
      outputs: [],
      concurrency: 1,
      run: () => Promise.reject(new Error('it only seems to be open')),
      close: () => Promise.resolve(),
    };
  }
}

/** Workers and their coordinator on lines like those between processes. */
export class ClusterHarness {
  readonly workers: TestWorker[] = [];
  readonly log = new KeptLog();
  /** What was asked of which workers at once. */
  readonly asked: { readonly topic: string; readonly workers: readonly number[] }[] = [];
  readonly coordinator: Coordinator;

  constructor(
    private readonly folder: string,
    private readonly required: readonly string[],
    maxMemoryBytes = 0,
  ) {
    Logger.overrideLogger(false);
    this.coordinator = new Coordinator({
      maxMemoryBytes,
      maxLoads: 16,
      askAll: (topic, payload, timeoutMs, except, share) =>
        this.askAll(topic, payload, timeoutMs, except, share),
      tellAll: (topic, payload, timeoutMs) => this.askAll(topic, payload, timeoutMs),
      maxResident: 5,
      loadTimeoutMs: 10_000,
      log: this.log,
    });
  }

  /** One that is forked and does nothing yet. */
  fork(): TestWorker {
    const worker = new TestWorker(this.workers.length + 1, this.folder, this.required);
    this.coordinator.serve(worker.line, worker);
    this.workers.push(worker);
    return worker;
  }

  /** One that starts and joins the others. */
  async start(worker = this.fork()): Promise<TestWorker> {
    await worker.membership.start();
    await worker.membership.join();
    return worker;
  }

  /** What each of those that take part answers. */
  answers(model: string, version?: string): string[] {
    return this.members.map((worker) => worker.answer(model, version));
  }

  private get members(): TestWorker[] {
    return this.workers.filter(({ joined, gone }) => joined && gone === undefined);
  }

  /** As the supervisor does it. */
  private askAll<Value>(
    topic: string,
    payload: unknown,
    timeoutMs: number,
    except?: ReadonlySet<number>,
    share = 1,
  ): Promise<Reply<Value>[]> {
    const width = Math.max(1, Math.ceil(this.members.length * share));
    const asked = this.members.filter(({ id }) => !except?.has(id)).slice(-width);
    this.asked.push({ topic, workers: asked.map(({ id }) => id) });
    return Promise.all(
      asked.map(async (worker): Promise<Reply<Value>> => {
        const { id, line } = worker;
        try {
          return { worker: id, ok: true, value: await line.ask<Value>(topic, payload, timeoutMs) };
        } catch (error) {
          return failedReply(id, error, worker.gone);
        }
      }),
    );
  }
}

function deliver(message: ChannelMessage, to: RpcChannel): void {
  setImmediate(() => to.receive(structuredClone(message)));
}
