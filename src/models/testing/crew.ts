import { Logger } from '@nestjs/common';
import type { ModelsConfig } from '../../config/config.slices';
import { Channel, type ChannelMessage } from '../../link/channel';
import type { Link } from '../../link/link.service';
import { failedReply, type Reply } from '../../link/messages';
import type { RemoteFactory } from '../../remote/remote-factory';
import type { SessionFactory } from '../../sessions/session-factory';
import { Membership } from '../membership';
import { ModelChanges } from '../model-changes';
import { ModelCoordinator } from '../model-coordinator';
import type { ModelLoader } from '../model-loader';
import { ModelRegistry } from '../model-registry';
import { ModelRepository } from '../model-repository';
import { ModelUse } from '../model-use';
import type { ServedModel } from '../served-model';
import { VersionOpener } from '../version-opener';

/** A worker with all that it has to do with changes of models, but for the sessions: those only seem to open. */
export class TestWorker {
  readonly registry: ModelRegistry;
  readonly membership: Membership;
  joined = false;
  /** Files of the sessions that were opened, in order. */
  readonly opened: string[] = [];
  /** What happens when a session is to open. */
  opening: (file: string) => void | Promise<void> = () => undefined;
  /** The coordinator's end of the line. */
  readonly line: Channel;

  constructor(
    readonly id: number,
    folder: string,
    required: readonly string[],
  ) {
    const config = { loadTimeoutMs: 1000, required } as ModelsConfig;
    const here = new Channel((message) => deliver(message, this.line));
    this.line = new Channel((message) => deliver(message, here));
    const link: Pick<Link, 'handle' | 'askPrimary'> = {
      handle: (topic, handler) => here.handle(topic, handler),
      askPrimary: (topic, payload, timeoutMs) => here.ask(topic, payload, timeoutMs),
    };
    const sessions = { open: (options: { modelFile: string }) => this.open(options.modelFile) };
    const opener = new VersionOpener(sessions as unknown as SessionFactory, {} as RemoteFactory);
    const loader: Pick<ModelLoader, 'load' | 'unload'> = {
      load: async (entry) => {
        const { digest, memoryBytes } = await opener.open(entry);
        return { digest, memoryBytes, config: entry.config, use: new ModelUse() } as ServedModel;
      },
      unload: () => Promise.resolve(),
    };
    this.registry = new ModelRegistry(new ModelRepository(folder));
    const changes = new ModelChanges(config, this.registry, loader as ModelLoader, link as Link);
    this.membership = new Membership(config, this.registry, changes, link as Link);
  }

  /** What a request gets that names no version, or names one: the version and its settings. */
  answer(model: string, version?: string): string {
    const entry = this.registry.get(model)?.version(version);
    return entry?.served === undefined ? 'nothing' : `${entry.version}: ${entry.config.description ?? ''}`;
  }

  private async open(file: string): Promise<{ close: () => Promise<void> }> {
    await this.opening(file);
    this.opened.push(file);
    return { close: () => Promise.resolve() };
  }
}

/** Workers and their coordinator on lines like those between processes. */
export class Crew {
  readonly workers: TestWorker[] = [];
  readonly logged: string[] = [];
  readonly coordinator = new ModelCoordinator({
    askAll: (topic, payload, timeoutMs, except) => this.askAll(topic, payload, timeoutMs, except),
    maxResident: 5,
    maxMemoryBytes: 0,
    loadTimeoutMs: 1000,
    log: (_, message) => this.logged.push(message),
  });

  constructor(
    private readonly folder: string,
    private readonly required: readonly string[],
  ) {
    Logger.overrideLogger(false);
  }

  /** One that is forked and does nothing yet. */
  fork(): TestWorker {
    const worker = new TestWorker(this.workers.length + 1, this.folder, this.required);
    this.coordinator.serve(worker.line, () => (worker.joined = true));
    this.workers.push(worker);
    return worker;
  }

  /** One that starts and joins the others. */
  async start(worker = this.fork()): Promise<TestWorker> {
    await worker.membership.start();
    await worker.membership.join();
    return worker;
  }

  /** What each of those that joined answers. */
  answers(model: string, version?: string): string[] {
    return this.workers.filter(({ joined }) => joined).map((worker) => worker.answer(model, version));
  }

  private askAll<Value>(
    topic: string,
    payload: unknown,
    timeoutMs: number,
    except?: ReadonlySet<number>,
  ): Promise<Reply<Value>[]> {
    const asked = this.workers.filter(({ id, joined }) => joined && !except?.has(id));
    return Promise.all(
      asked.map(async ({ id, line }): Promise<Reply<Value>> => {
        try {
          return { worker: id, ok: true, value: await line.ask<Value>(topic, payload, timeoutMs) };
        } catch (error) {
          return failedReply(id, error);
        }
      }),
    );
  }
}

function deliver(message: ChannelMessage, to: Channel): void {
  setImmediate(() => to.receive(structuredClone(message)));
}
