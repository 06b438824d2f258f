import { fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { fileErrorReason } from '../../../common/safe-path';
import { reasonOf } from '../../../errors/domain-error';
import type { RpcChannel } from '../../../process/ipc/rpc-channel';
import {
  DOUBT,
  type Doubt,
  type Order,
  type Outcome,
  PREPARE,
  RELEASE,
  type Unprepared,
  type Wish,
} from './messages';
import type { EventLog } from '../../../telemetry/logging/log-line';
import type { Prepared } from './prepared';
import { PREPARE_FILE } from './prepare-file';
import { NotOurs, PreparedFolder } from './prepared-folder';
import { machineTraits, preparedKey, type Traits } from './prepared-key';

/** What kept a model from being prepared may have passed by then. */
const RETRY_MS = 600_000;
/** A key that was doubted so often is not prepared again: what is made of it here is not what it should be. */
const MAX_DOUBTS = 2;
/** Keys of which something is remembered. */
const MAX_KEYS = 10_000;

export interface PreparedStoreOptions {
  /** Absolute; undefined: nothing is prepared. */
  readonly dir: string | undefined;
  readonly maxBytes: number;
  /** For one preparation. */
  readonly timeoutMs: number;
  /** Requests go before it. */
  readonly niceness: number;
  /** Of the process that prepares: what is set for the runtime is set in it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly traits?: Traits;
  readonly log: EventLog;
}

/**
 * The prepared models of the whole server: finds them, has them made one after the other in a short-lived process,
 * and knows which are used. Lives in the primary, and loads no runtime there. Whatever goes wrong, a model is loaded
 * as it is.
 */
export class PreparedStore {
  /** Models that were prepared, and those that could not be, since the start. */
  made = 0;
  failed = 0;
  /** Prepared forms that a worker found to be not what they should be. */
  doubted = 0;
  private readonly folder: PreparedFolder | undefined;
  private readonly traits: Traits | undefined;
  private readonly running = new Map<string, Promise<Prepared | Unprepared>>();
  private readonly failures = new Map<string, { reason: string; atMs: number }>();
  private readonly doubts = new Map<string, number>();
  /** How many sessions of each worker use which keys. */
  private readonly uses = new Map<number, Map<string, number>>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: PreparedStoreOptions) {
    const { dir, maxBytes, traits = machineTraits() } = options;
    this.folder = dir === undefined ? undefined : new PreparedFolder(dir, maxBytes);
    this.traits = traits;
  }

  /** Answers a worker's questions on its line. */
  serve(channel: Pick<RpcChannel, 'handle'>, worker: number): void {
    channel.handle<Wish, Prepared | Unprepared>(PREPARE, (wish) => this.prepare(wish, worker));
    channel.handle<Doubt, void>(DOUBT, (doubt) => this.doubt(doubt));
    channel.handle<string, void>(RELEASE, (key) => this.count(worker, key, -1));
  }

  /** The worker is no more. */
  gone(worker: number): void {
    this.uses.delete(worker);
  }

  /** The prepared form of a model, made now if there is none; or why there is none. Never throws. */
  async prepare(wish: Wish, worker: number): Promise<Prepared | Unprepared> {
    const { folder, traits } = this;
    if (folder === undefined) return { reason: 'PREPARED_DIR is empty' };
    if (traits === undefined) return { reason: 'this system does not say what its CPU can do' };
    const key = preparedKey(traits, wish);
    const running = this.running.get(key) ?? this.findOrMake(folder, key, wish);
    this.running.set(key, running);
    const found = await running.finally(() => this.running.delete(key));
    if ('key' in found) this.count(worker, key, 1);
    return found;
  }

  private async findOrMake(folder: PreparedFolder, key: string, wish: Wish): Promise<Prepared | Unprepared> {
    try {
      if ((this.doubts.get(key) ?? 0) >= MAX_DOUBTS) throw new Error('its prepared form was wrong before');
      const failure = this.failures.get(key);
      if (failure !== undefined && performance.now() - failure.atMs < RETRY_MS)
        return { reason: failure.reason };
      return (await this.find(folder, key, wish)) ?? (await this.inTurn(() => this.make(folder, key, wish)));
    } catch (error) {
      const reason = reasonWithoutPath(error);
      this.failed++;
      remember(this.failures, key, { reason, atMs: performance.now() });
      this.options.log.warn({
        msg: 'model is not prepared, each worker loads it as it is',
        model: wish.label,
        reason,
      });
      return { reason };
    }
  }

  private async find(folder: PreparedFolder, key: string, wish: Wish): Promise<Prepared | undefined> {
    try {
      return await folder.find(key);
    } catch (error) {
      if (error instanceof NotOurs) throw error;
      const reason = reasonWithoutPath(error);
      this.options.log.warn({
        msg: 'prepared model is damaged, it is made again',
        model: wish.label,
        reason,
      });
      await folder.removeKey(key);
      return undefined;
    }
  }

  /** One at a time: each takes more than twice its model's memory. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.last.then(work);
    this.last = run.catch(() => undefined);
    return run;
  }

  private async make(folder: PreparedFolder, key: string, wish: Wish): Promise<Prepared> {
    const startMs = performance.now();
    const partial = await folder.begin(key, wish.sizeBytes, this.inUse());
    try {
      await this.inChild({ wish, partial, folder: folder.pathOf(key) });
    } finally {
      await folder.remove(partial).catch(() => undefined);
    }
    const prepared = await folder.find(key);
    if (prepared === undefined) throw new Error('its prepared form is gone');
    this.made++;
    const { ownBytes, sharedBytes } = prepared;
    const ms = Math.round(performance.now() - startMs);
    this.options.log.info({ msg: 'model prepared', model: wish.label, ms, ownBytes, sharedBytes });
    return prepared;
  }

  private inChild(order: Order): Promise<void> {
    const { env, niceness, timeoutMs } = this.options;
    const child = fork(PREPARE_FILE, {
      env,
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    });
    // It has to be gone before what it left is removed.
    return new Promise<void>((resolve, reject) => {
      let failure: string | undefined;
      let done = false;
      const timer = setTimeout(() => {
        failure = `it was not prepared within ${timeoutMs} ms`;
        child.kill('SIGKILL');
      }, timeoutMs);
      child.once('message', (outcome: Outcome) => {
        done = outcome.done;
        if (!outcome.done) failure = outcome.reason;
      });
      child.once('error', (error) => reject(error));
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (done) resolve();
        else
          reject(new Error(failure ?? `the process that prepared it ended with ${signal ?? `code ${code}`}`));
      });
      child.send(order, () => undefined);
      lowerPriority(child.pid, niceness);
    });
  }

  /** Has a prepared form go that a worker found to be not what it should be. */
  private async doubt({ key, label, reason }: Doubt): Promise<void> {
    this.doubted++;
    remember(this.doubts, key, (this.doubts.get(key) ?? 0) + 1);
    this.options.log.warn({
      msg: 'prepared model is not used, a worker loads the model as it is',
      model: label,
      reason,
    });
    await this.folder?.removeKey(key);
  }

  private count(worker: number, key: string, more: number): void {
    const uses = this.uses.get(worker) ?? new Map<string, number>();
    const now = (uses.get(key) ?? 0) + more;
    if (now > 0) uses.set(key, now);
    else uses.delete(key);
    this.uses.set(worker, uses);
  }

  private inUse(): Set<string> {
    return new Set([...this.uses.values()].flatMap((uses) => [...uses.keys()]));
  }
}

/** Clients are told of it. */
function reasonWithoutPath(error: unknown): string {
  const isOfSystem = typeof error === 'object' && error !== null && 'syscall' in error;
  return isOfSystem ? `PREPARED_DIR cannot be used: ${fileErrorReason(error)}` : reasonOf(error);
}

function remember<Value>(known: Map<string, Value>, key: string, value: Value): void {
  if (known.size >= MAX_KEYS) known.clear();
  known.set(key, value);
}

function lowerPriority(pid: number | undefined, niceness: number): void {
  if (pid === undefined || niceness === 0) return;
  try {
    setPriority(pid, niceness);
  } catch {
    // Not allowed, or it is gone.
  }
}
