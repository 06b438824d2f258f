import { stat } from 'node:fs/promises';
import { reasonOf } from '../../errors/domain-error';
import { findExternalData } from '../repository/onnx-file/external-data';
import type { ModelFiles, ModelFolder } from '../repository/model-folder';

export interface FolderWatchOptions {
  /** 0: it looks at the start and when it is asked to. */
  readonly intervalMs: number;
  readonly folder: Pick<ModelFolder, 'scan'>;
  /** Is any version of it loaded? Only such models are loaded anew; others load when they are asked for. */
  isLoaded(model: string): boolean;
  /** Loads what the folder has now in place of what serves. */
  load(model: string): Promise<void>;
  log(fields: object, message: string): void;
}

/**
 * Looks at the model folder again and again, and loads a model anew when its files have changed and then
 * stayed the same from one look to the next. A copy that is still growing, or lacks a part, is never loaded.
 */
export class FolderWatch {
  private timer: NodeJS.Timeout | undefined;
  /** What was seen at the last look. */
  private seen = new Map<string, string>();
  /** What serves, or was tried and failed: it is not tried again until it changes. */
  private readonly settled = new Map<string, string>();
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
        this.options.log({ reason: reasonOf(error) }, 'the model folder could not be looked at');
      });
    return this.looking;
  }

  private async compare(whole: boolean): Promise<void> {
    const { models } = await this.options.folder.scan();
    const before = this.seen;
    this.seen = new Map();
    for (const model of models) {
      const stamp = await stampOf(model);
      if (stamp === undefined) continue;
      this.seen.set(model.name, stamp);
      if (this.first) this.settled.set(model.name, stamp);
      const stable = whole || before.get(model.name) === stamp;
      if (stable && this.settled.get(model.name) !== stamp) await this.reload(model.name, stamp);
    }
    this.first = false;
  }

  private async reload(model: string, stamp: string): Promise<void> {
    this.settled.set(model, stamp);
    if (!this.options.isLoaded(model)) return;
    try {
      await this.options.load(model);
      this.options.log({ model }, 'model folder changed, model loaded anew');
    } catch (error) {
      this.options.log({ model, reason: reasonOf(error) }, 'model folder changed, but what serves stays');
    }
  }

  private wait(): void {
    if (this.stopped || this.options.intervalMs === 0) return;
    this.timer = setTimeout(() => this.start(), this.options.intervalMs).unref();
  }
}

/** What tells one state of a model's files from another; undefined while they are not whole. */
async function stampOf({ yaml, versions }: ModelFiles): Promise<string | undefined> {
  try {
    const stamps = [JSON.stringify(yaml)];
    for (const { version, file } of versions) {
      const files = [file, ...(await findExternalData(file)).map((external) => external.file)];
      for (const path of files) {
        const { ino, size, mtimeMs } = await stat(path);
        stamps.push(`${version}:${ino}:${size}:${mtimeMs}`);
      }
    }
    return stamps.join(' ');
  } catch {
    return undefined;
  }
}
