import { stat } from 'node:fs/promises';
import { sideBySide } from '../../common/side-by-side';
import { reasonOf } from '../../errors/domain-error';
import type { EventLog } from '../../telemetry/logging/log-line';
import { findExternalData } from '../repository/onnx-file/external-data';
import type { ModelFiles } from '../repository/model-files';
import type { ModelFolder } from '../repository/model-folder';

/** Models that are looked at side by side. */
const LOOKS_AT_ONCE = 16;

/** Tells one state of a model's files from another. */
interface Stamp {
  readonly own: string;
  /** Of the data files beside them; empty where there are none, and of a model that is not loaded. */
  readonly weights: string;
}

export interface FolderWatchOptions {
  /** 0: it looks at the start and when it is asked to. */
  readonly intervalMs: number;
  readonly folder: Pick<ModelFolder, 'scan'>;
  /** Is any version of it loaded? Only such models are loaded anew; others load when they are asked for. */
  isLoaded(model: string): boolean;
  /** Loads what the folder has now in place of what serves. */
  load(model: string): Promise<void>;
  readonly log: EventLog;
}

/**
 * Looks at the model folder again and again, and loads a model anew when its files have changed and then
 * stayed the same from one look to the next. A copy that is still growing, or lacks a part, is never loaded.
 */
export class FolderWatch {
  private timer: NodeJS.Timeout | undefined;
  /** What was seen at the last look. */
  private seen = new Map<string, Stamp>();
  /** What serves, or was tried and failed: it is not tried again until it changes. */
  private readonly settled = new Map<string, Stamp>();
  private first = true;
  private stopped = false;
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly options: FolderWatchOptions) {}

  start(): void {
    void this.look().then(() => this.wait());
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** One look. */
  look(): Promise<void> {
    return this.inTurn(false);
  }

  /** One look that takes what it finds for whole, on somebody's word. */
  lookNow(): Promise<void> {
    return this.inTurn(true);
  }

  private inTurn(whole: boolean): Promise<void> {
    this.looking = this.looking
      .then(() => this.compare(whole))
      .catch((error: unknown) => {
        this.options.log.info({ msg: 'the model folder could not be looked at', reason: reasonOf(error) });
      });
    return this.looking;
  }

  private async compare(whole: boolean): Promise<void> {
    const { models } = await this.options.folder.scan();
    const before = this.seen;
    this.seen = new Map();
    await sideBySide(models, LOOKS_AT_ONCE, async (model) => {
      const stamp = await this.stampOf(model);
      if (stamp !== undefined) this.seen.set(model.name, stamp);
    });
    for (const { name } of models) {
      const stamp = this.seen.get(name);
      if (stamp === undefined) continue;
      const settled = this.settled.get(name);
      // What was loaded since the last look has weights that are looked at from now on.
      const isNew = settled === undefined ? this.first : settled.weights === '' && settled.own === stamp.own;
      if (isNew) this.settled.set(name, stamp);
      else if ((whole || isSame(before.get(name), stamp)) && !isSame(settled, stamp))
        await this.reload(name, stamp);
    }
    // Models may come and go under ever new names.
    for (const name of this.settled.keys())
      if (!this.seen.has(name) && !this.options.isLoaded(name)) this.settled.delete(name);
    this.first = false;
  }

  /** Of a model that is not loaded its own files alone: to read thousands for what lies beside them would be dear. */
  private async stampOf(model: ModelFiles): Promise<Stamp | undefined> {
    const own = await stampOf(model);
    const weights = this.options.isLoaded(model.name) ? await stampOfWeights(model) : '';
    return own === undefined || weights === undefined ? undefined : { own, weights };
  }

  private async reload(model: string, stamp: Stamp): Promise<void> {
    this.settled.set(model, stamp);
    if (!this.options.isLoaded(model)) return;
    try {
      await this.options.load(model);
      this.options.log.info({ msg: 'model folder changed, model loaded anew', model });
    } catch (error) {
      this.options.log.info({
        msg: 'model folder changed, but what serves stays',
        model,
        reason: reasonOf(error),
      });
    }
  }

  private wait(): void {
    if (this.stopped || this.options.intervalMs === 0) return;
    this.timer = setTimeout(() => this.start(), this.options.intervalMs).unref();
  }
}

function isSame(one: Stamp | undefined, other: Stamp): boolean {
  return one?.own === other.own && one.weights === other.weights;
}

/** What tells one state of a model's own files from another; undefined where one is gone meanwhile. */
async function stampOf({ yaml, versions }: ModelFiles): Promise<string | undefined> {
  try {
    const stamps = await Promise.all(
      versions.map(async ({ version, file }) => `${version}:${await stampOfFile(file)}`),
    );
    return [JSON.stringify(yaml), ...stamps].join(' ');
  } catch {
    return undefined;
  }
}

/** The same of the weights beside them, which only the models know of; undefined while they are not whole. */
async function stampOfWeights({ versions }: ModelFiles): Promise<string | undefined> {
  try {
    const stamps: string[] = [];
    for (const { file } of versions) {
      for (const external of await findExternalData(file)) stamps.push(await stampOfFile(external.file));
    }
    return stamps.join(' ');
  } catch {
    return undefined;
  }
}

async function stampOfFile(path: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(path);
  return `${ino}:${size}:${mtimeMs}`;
}
