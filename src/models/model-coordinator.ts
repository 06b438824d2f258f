import { DomainError, reasonOf } from '../errors/domain-error';
import type { LoadedVersion } from '../link/loaded-version';
import type { Channel } from '../link/channel';
import type { Reply } from '../link/messages';
import {
  ABORT,
  type Commit,
  CHANGE,
  COMMIT,
  DESIRED,
  type DesiredModels,
  JOIN,
  type Join,
  type ModelChange,
  PREPARE,
  type Prepare,
  type Prepared,
  type PreparedVersion,
  RETIRE,
} from './change-messages';
import { Residents } from './residents';

/** For a swap, which takes no work. */
const QUICK_MS = 5_000;

/** How many of the workers load at once beside what serves: requests need the cores, too. */
const RELOADING_SHARE = 0.5;

export interface CoordinatorOptions {
  /**
   * Puts a question to every worker that has joined, but for those in `except`.
   * @param share of them that are asked at once; all, unless it is given
   */
  askAll<Value>(
    topic: string,
    payload: unknown,
    timeoutMs: number,
    except?: ReadonlySet<number>,
    share?: number,
  ): Promise<Reply<Value>[]>;
  readonly maxResident: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly loadTimeoutMs: number;
  log(fields: object, message: string): void;
}

interface Staged extends Prepared {
  readonly model: string;
  readonly id: number;
}

/** A change that is under way or waits for those before it. */
interface Turn {
  readonly change: string;
  readonly done: Promise<void>;
  begun: boolean;
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
  private readonly required = new Set<string>();
  private readonly unloaded = new Set<string>();
  /** The last one of each model. */
  private readonly turns = new Map<string, Turn>();

  constructor(private readonly options: CoordinatorOptions) {
    this.residents = new Residents(options, (model, version) => this.retire(model, [version], false));
  }

  /** Answers a worker's questions on its line. @param admit from then on the worker is asked like the others */
  serve(channel: Pick<Channel, 'handle'>, admit: () => void): void {
    channel.handle<ModelChange, void>(CHANGE, (change) => this.change(change));
    channel.handle<undefined, DesiredModels | undefined>(DESIRED, () => this.desired());
    channel.handle<Join, boolean>(JOIN, (join) => this.join(join, admit));
  }

  /** What a worker that starts is to load; undefined while none has said what it found by its settings. */
  desired(): DesiredModels | undefined {
    if (!this.adopted) return undefined;
    return {
      generation: this.generation,
      loaded: this.residents.list(),
      required: [...this.required],
      unloaded: [...this.unloaded],
    };
  }

  /**
   * Takes a worker in that is about to serve. What the first one loaded by its settings is what all are to have;
   * another one has to be up to date, and where it found other files than the others, all load anew.
   * @returns false when the models have changed since it looked: it has to look again
   */
  async join({ generation, loaded, required }: Join, admit: () => void): Promise<boolean> {
    if (generation !== this.generation) return false;
    // No change can come between this and the next question to all.
    admit();
    if (!this.adopted) {
      this.adopted = true;
      for (const model of required) this.required.add(model);
      for (const version of loaded) this.residents.add(version);
    } else {
      await this.makeAlike(loaded);
    }
    return true;
  }

  /** The required models that the server has loaded, but not a worker that has these. */
  missing(loaded: readonly LoadedVersion[]): string[] {
    const there = new Set(loaded.map(({ model }) => model));
    return [...this.required].filter((model) => this.isLoaded(model) && !there.has(model));
  }

  isLoaded(model: string): boolean {
    return this.residents.of(model).length > 0;
  }

  /** @throws model_not_found, version_not_found, model_unavailable with the reason by worker */
  change(change: ModelChange): Promise<void> {
    const { model } = change;
    const last = this.turns.get(model);
    const text = JSON.stringify(change);
    // What has not begun will do what this one wants.
    if (last?.begun === false && last.change === text) return last.done;
    const begin = (): Promise<void> => {
      turn.begun = true;
      return this.carryOut(change);
    };
    const done = Promise.resolve(last?.done)
      .catch(() => undefined)
      .then(begin)
      .finally(() => {
        if (this.turns.get(model) === turn) this.turns.delete(model);
      });
    const turn: Turn = { change: text, done, begun: false };
    this.turns.set(model, turn);
    return done;
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
    const staged = await this.prepare({ model, replace: true });
    for (const { version } of this.residents.of(model)) this.residents.remove(model, version);
    const last = staged.versions.at(-1);
    for (const prepared of staged.versions)
      this.residents.add(this.loadedVersion(model, prepared, prepared === last));
    this.unloaded.delete(model);
    await this.commit(staged);
    this.options.log({ model, versions: staged.versions.map(({ version }) => version) }, 'model swapped');
    await this.residents.shrink(model);
  }

  private async ensure(model: string, version: string): Promise<void> {
    if (this.unloaded.has(model)) throw unloadedByCall(model);
    const resident = this.residents.get(model, version);
    if (resident !== undefined) {
      // Whoever asks lacks what the others have: what kept it from loading may have passed.
      const { digest } = resident;
      await this.commit(await this.prepare({ model, versions: [{ version, digest }], replace: false }));
      return;
    }
    await this.residents.reserve(model, version);
    try {
      const staged = await this.prepare({ model, versions: [{ version }], replace: false });
      try {
        // What requests that name none get stays the same as long as it is loaded, whatever the folder has by then.
        const byDefault = staged.latest === version && this.residents.byDefault(model) === undefined;
        for (const prepared of staged.versions)
          await this.residents.claim(this.loadedVersion(model, prepared, byDefault));
      } catch (error) {
        await this.abort(staged.id);
        throw error;
      }
      await this.commit(staged);
    } catch (error) {
      this.residents.remove(model, version);
      throw error;
    }
  }

  private async unload(model: string): Promise<void> {
    const versions = this.residents.of(model).map(({ version }) => version);
    this.unloaded.add(model);
    for (const version of versions) this.residents.remove(model, version);
    await this.retire(model, versions, true);
    this.options.log({ model, versions }, 'model unloaded by a call');
  }

  /** Where a worker found other files than the others have loaded, what is in the folder now is for all. */
  private async makeAlike(loaded: readonly LoadedVersion[]): Promise<void> {
    const there = new Set(loaded.map(contentOf));
    const wanted = this.residents.list();
    const different = wanted.filter(({ model, versions }) =>
      versions.some((version) => !there.has(contentOf({ model, ...version }))),
    );
    for (const { model } of different) {
      try {
        await this.change({ action: 'load', model });
      } catch (error) {
        this.options.log({ model, reason: reasonOf(error) }, 'a new worker has not what the others have');
      }
    }
  }

  private loadedVersion(
    model: string,
    { version, digest, memoryBytes }: PreparedVersion,
    byDefault: boolean,
  ): LoadedVersion {
    return { model, version, digest, memoryBytes, byDefault, required: this.required.has(model) };
  }

  /** First phase, on all workers or, where one fails, on none; those that join meanwhile are among them. */
  private async prepare(wanted: Omit<Prepare, 'id'>): Promise<Staged> {
    const id = ++this.lastId;
    const replies: Reply<Prepared>[] = [];
    const asked = new Set<number>();
    for (;;) {
      const more = await this.options.askAll<Prepared>(
        PREPARE,
        { ...wanted, id },
        this.options.loadTimeoutMs,
        asked,
        wanted.replace ? RELOADING_SHARE : 1,
      );
      for (const reply of more) asked.add(reply.worker);
      replies.push(...more);
      if (more.length === 0 || more.some(({ ok }) => !ok)) break;
    }
    const fault = faultOf(wanted.model, replies);
    const [first] = replies;
    if (fault === undefined && first?.ok) return { id, model: wanted.model, ...first.value };
    await this.abort(id);
    throw fault ?? new DomainError('not_ready', 'No worker is ready yet.', { retryAfterSeconds: 1 });
  }

  private async commit({ id, model }: Staged): Promise<void> {
    this.generation++;
    const commit: Commit = { id, byDefault: this.residents.byDefault(model) };
    // A worker that cannot swap any more is dying; the one that follows it loads what is desired now.
    await this.options.askAll(COMMIT, commit, QUICK_MS);
  }

  private async abort(id: number): Promise<void> {
    await this.options.askAll(ABORT, { id }, this.options.loadTimeoutMs);
  }

  private async retire(model: string, versions: readonly string[], byCall: boolean): Promise<void> {
    this.generation++;
    await this.options.askAll(RETIRE, { model, versions, byCall }, this.options.loadTimeoutMs);
  }
}

function contentOf({ model, version, digest }: Pick<LoadedVersion, 'model' | 'version' | 'digest'>): string {
  return JSON.stringify([model, version, digest]);
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
