import { DomainError } from '../errors/domain-error';
import type { LoadedVersion } from '../link/loaded-version';
import type { Channel } from '../link/channel';
import type { Reply } from '../link/messages';
import {
  ABORT,
  CHANGE,
  COMMIT,
  type Commit,
  DESIRED,
  type DesiredModels,
  type ModelChange,
  PREPARE,
  type Prepare,
  type Prepared,
  RETIRE,
} from './change-messages';
import { Residents } from './residents';

export interface CoordinatorOptions {
  /** Puts a question to every worker that takes part in changes. */
  askAll<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<Value>[]>;
  readonly maxResident: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly loadTimeoutMs: number;
  log(fields: object, message: string): void;
}

interface Staged extends Prepared {
  readonly wanted: Prepare;
}

/**
 * Which models the whole server has loaded, and the one place where that changes: in the primary, or in the
 * only process. A change has two phases, so that it happens on every worker or on none: each loads beside
 * what serves, and when all have, all swap. Changes of one model come one after the other.
 */
export class ModelCoordinator {
  private generation = 0;
  private adopted = false;
  private lastId = 0;
  private readonly residents: Residents;
  private readonly unloaded = new Set<string>();
  private readonly turns = new Map<string, Promise<void>>();

  constructor(private readonly options: CoordinatorOptions) {
    this.residents = new Residents(options, (model, version) => this.retire(model, [version], false));
  }

  /**
   * Answers a worker's questions on its line.
   * @param joins called when it asks what to load: from then on it has to take part in every change, as the
   * answer is all that it learns of those before
   */
  serve(channel: Pick<Channel, 'handle'>, joins?: () => void): void {
    channel.handle<ModelChange, void>(CHANGE, (change) => this.change(change));
    channel.handle<undefined, DesiredModels | undefined>(DESIRED, () => {
      joins?.();
      return this.desired();
    });
  }

  /** What a worker that starts is to load; undefined while none has said what it found by its settings. */
  desired(): DesiredModels | undefined {
    if (!this.adopted) return undefined;
    return {
      generation: this.generation,
      loaded: this.residents.list(),
      unloaded: [...this.unloaded],
    };
  }

  /** Takes over what the first worker loaded by its settings. */
  adopt(loaded: readonly LoadedVersion[]): void {
    if (this.adopted) return;
    this.adopted = true;
    for (const version of loaded) this.residents.add(version);
  }

  isLoaded(model: string): boolean {
    return this.residents.versionsOf(model).length > 0;
  }

  /** @throws model_not_found, version_not_found, model_unavailable with the reason by worker */
  change(change: ModelChange): Promise<void> {
    const { model } = change;
    const turn = (this.turns.get(model) ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.carryOut(change));
    this.turns.set(model, turn);
    const done = (): void => {
      if (this.turns.get(model) === turn) this.turns.delete(model);
    };
    turn.then(done, done);
    return turn;
  }

  private carryOut(change: ModelChange): Promise<void> {
    switch (change.action) {
      case 'load':
        return this.load(change.model);
      case 'unload':
        return this.unload(change.model);
      case 'ensure':
        return this.ensure(change.model, change.version);
    }
  }

  private async load(model: string): Promise<void> {
    const before = this.residents.versionsOf(model);
    const staged = await this.prepare({ model, replace: true });
    const required = before.some((version) => this.residents.isRequired(model, version));
    for (const version of before) this.residents.remove(model, version);
    for (const { version, memoryBytes } of staged.versions) {
      this.residents.add({ model, version, required, memoryBytes });
    }
    this.unloaded.delete(model);
    await this.commit(staged);
    this.options.log({ model, versions: staged.versions.map(({ version }) => version) }, 'model swapped');
    await this.residents.shrink(model);
  }

  private async ensure(model: string, version: string): Promise<void> {
    if (this.residents.has(model, version)) return;
    if (this.unloaded.has(model)) throw unloadedByCall(model);
    await this.residents.reserve(model, version);
    try {
      const staged = await this.prepare({ model, versions: [version], replace: false });
      try {
        await this.residents.claim(model, version, staged.versions[0]?.memoryBytes ?? 0);
      } catch (error) {
        await this.abort(staged.wanted.id);
        throw error;
      }
      await this.commit(staged);
    } catch (error) {
      this.residents.remove(model, version);
      throw error;
    }
  }

  private async unload(model: string): Promise<void> {
    const versions = this.residents.versionsOf(model);
    this.unloaded.add(model);
    for (const version of versions) this.residents.remove(model, version);
    await this.retire(model, versions, true);
    this.options.log({ model, versions }, 'model unloaded by a call');
  }

  /** First phase, on all workers or, where one fails, on none. */
  private async prepare(change: Omit<Prepare, 'id'>): Promise<Staged> {
    const wanted: Prepare = { ...change, id: ++this.lastId };
    const replies = await this.options.askAll<Prepared>(PREPARE, wanted, this.options.loadTimeoutMs);
    const fault = faultOf(wanted.model, replies);
    const [first] = replies;
    if (fault === undefined && first?.ok) return { wanted, ...first.value };
    await this.abort(wanted.id);
    throw fault ?? new DomainError('not_ready', 'No worker is ready yet.', { retryAfterSeconds: 1 });
  }

  private async commit({ wanted, versions }: Staged): Promise<void> {
    this.generation++;
    const change: Commit = { ...wanted, versions: versions.map(({ version }) => version) };
    // A worker that cannot swap any more is dying; the one that follows it loads what is desired now.
    await this.options.askAll(COMMIT, change, this.options.loadTimeoutMs);
  }

  private async abort(id: number): Promise<void> {
    await this.options.askAll(ABORT, { id }, this.options.loadTimeoutMs);
  }

  private async retire(model: string, versions: readonly string[], byCall: boolean): Promise<void> {
    this.generation++;
    await this.options.askAll(RETIRE, { model, versions, byCall }, this.options.loadTimeoutMs);
  }
}

export function unloadedByCall(model: string): DomainError {
  return new DomainError('model_unavailable', `Model "${model}" was unloaded; a load call brings it back.`);
}

/** Why a change cannot be made, in the words of the workers; undefined when it can. */
function faultOf(model: string, replies: readonly Reply<Prepared>[]): DomainError | undefined {
  const failed = replies.filter((reply) => !reply.ok);
  const [first] = failed;
  if (first !== undefined) {
    const alike = failed.length === replies.length && failed.every(({ reason }) => reason === first.reason);
    const details = failed.map(({ worker, reason }) => `worker ${worker}: ${reason}`);
    return new DomainError(
      first.code,
      alike ? first.reason : `Model "${model}" stays as it is: ${details.join('; ')}`,
      {
        details,
      },
    );
  }
  const contents = new Set(replies.map((reply) => (reply.ok ? JSON.stringify(reply.value.versions) : '')));
  if (contents.size <= 1) return undefined;
  return new DomainError(
    'model_unavailable',
    `The files of model "${model}" changed while they were loaded.`,
  );
}
