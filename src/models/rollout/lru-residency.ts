import { PassingMap } from '../../common/passing';
import { setTimeout as sleep } from 'node:timers/promises';
import { Coalesced } from '../../common/coalesced';
import { Line } from '../../common/line';
import { DomainError } from '../../errors/domain-error';
import type { LoadedVersion } from '../../process/ipc/loaded-version';
import type { Reply } from '../../process/ipc/messages';
import { type LoadedVersions, USAGE, type VersionUsage } from './messages';

const ASK_MS = 2_000;
/** How often a full server looks for a version that became idle: soon at first, as most are at work for moments. */
const FIRST_POLL_MS = 1;
const LONGEST_POLL_MS = 10;
/** How old the workers' word of what they use may be. */
const FRESH_MS = 100;

export interface ResidencyOptions {
  askAll<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<Value>[]>;
  readonly maxResident: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly loadTimeoutMs: number;
}

/** What a worker said of what it uses. */
interface Heard {
  readonly usages: readonly VersionUsage[];
  /** Of `performance.now()`. */
  readonly atMs: number;
}

/** Has all workers let a version go. */
type LetGo = (version: LoadedVersion) => void | Promise<void>;

/**
 * The versions that are resident on every worker, those on their way included, within limits of number and
 * memory. The least recently used idle one makes room; those of the start, and ones with work in hand, never do.
 */
export class LruResidency {
  private readonly versions = new PassingMap<string, LoadedVersion>();
  private readonly usage: Coalesced<VersionUsage[][]>;
  /** Who waits for a place gets it in their turn: one that becomes free between two looks was taken by whoever came then. */
  private readonly places = new Line(1);
  private readonly lastHeard = new PassingMap<number, Heard>();

  constructor(
    private readonly options: ResidencyOptions,
    private readonly retire: LetGo,
  ) {
    // However many wait for room, the workers are asked once.
    this.usage = new Coalesced(async () => {
      const replies = await options.askAll<VersionUsage[]>(USAGE, undefined, ASK_MS);
      this.lastHeard.clear();
      return replies.flatMap((reply) => {
        if (!reply.ok) return [];
        this.heard(reply.worker, reply.value);
        return [reply.value];
      });
    });
  }

  /** What a worker has just said of what it uses. */
  heard(worker: number, usages: readonly VersionUsage[]): void {
    this.lastHeard.set(worker, { usages, atMs: performance.now() });
  }

  get(model: string, version: string): LoadedVersion | undefined {
    return this.versions.get(keyOf(model, version));
  }

  add(version: LoadedVersion): void {
    this.versions.set(keyOf(version.model, version.version), version);
  }

  remove(model: string, version: string): void {
    this.versions.delete(keyOf(model, version));
  }

  of(model: string): LoadedVersion[] {
    return [...this.versions.values()].filter((one) => one.model === model);
  }

  /** The one of a model that requests get which name none. */
  byDefault(model: string): string | undefined {
    return this.of(model).find(({ byDefault }) => byDefault)?.version;
  }

  /** Without those on their way. */
  list(): LoadedVersions[] {
    const loaded = [...this.versions.values()].filter(({ digest }) => digest !== '');
    return [...new Set(loaded.map(({ model }) => model))].map((model) => ({
      model,
      versions: loaded
        .filter((one) => one.model === model)
        .map(({ version, digest, byDefault }) => ({ version, digest, byDefault })),
    }));
  }

  /**
   * Gives a version that is to be loaded its place, as soon as there is one.
   * @param letGo told of each that makes room
   * @throws model_unavailable
   */
  async reserve(model: string, version: string, letGo = this.retire): Promise<void> {
    const full = `${this.options.maxResident} models are resident (MAX_RESIDENT_MODELS)`;
    const takePlace = (): boolean => {
      if (this.versions.size >= this.options.maxResident) return false;
      this.add(onItsWay(model, version));
      return true;
    };
    const giveUpMs = this.giveUpMs();
    const leaving: LoadedVersion[] = [];
    try {
      await this.places.through(() =>
        this.until(model, full, takePlace, (one) => void leaving.push(one), giveUpMs),
      );
    } finally {
      // Its place is taken already: nobody else waits for it to be gone.
      for (const one of leaving) await letGo(one);
    }
  }

  /** Notes what a reserved version takes, and makes room for it; it counts as loaded when it is added. @throws model_unavailable */
  async claim(model: string, version: string, memoryBytes: number, letGo = this.retire): Promise<void> {
    this.add({ ...onItsWay(model, version), memoryBytes });
    const takes = `it takes ${memoryBytes} bytes beside the others (MAX_MODELS_MEMORY)`;
    await this.until(model, takes, () => this.fits(), letGo);
  }

  /**
   * Both, for a version whose memory is known.
   * @param along told of each small one that makes room: the workers are to be told of it along with the version
   * @throws model_unavailable
   */
  async reserveKnown(
    { model, version, memoryBytes }: LoadedVersion,
    along: (one: LoadedVersion) => void,
  ): Promise<void> {
    // Of large ones the memory is to be free first.
    const letGo: LetGo = (one) => (one.light ? along(one) : this.retire(one));
    try {
      await this.reserve(model, version, letGo);
      await this.claim(model, version, memoryBytes, letGo);
    } catch (error) {
      this.remove(model, version);
      throw error;
    }
  }

  /** Lets others go after a load by call, which is not refused, took more than there is room for. */
  async shrink(exceptModel: string): Promise<void> {
    while (this.versions.size > this.options.maxResident || !this.fits()) {
      if (!(await this.evict(exceptModel, this.retire))) return;
    }
  }

  private fits(): boolean {
    const { maxMemoryBytes } = this.options;
    if (maxMemoryBytes === 0) return true;
    let bytes = 0;
    for (const version of this.versions.values()) bytes += version.memoryBytes;
    return bytes <= maxMemoryBytes;
  }

  private giveUpMs(): number {
    return performance.now() + this.options.loadTimeoutMs;
  }

  private async until(
    model: string,
    fullBecause: string,
    holds: () => boolean,
    letGo: LetGo,
    giveUpMs = this.giveUpMs(),
  ): Promise<void> {
    let pollMs = FIRST_POLL_MS;
    while (!holds()) {
      const isHopeless = this.isHopeless(model);
      if (!isHopeless && (await this.evict(model, letGo))) continue;
      if (isHopeless || performance.now() > giveUpMs) {
        throw new DomainError(
          'model_unavailable',
          `There is no room for model "${model}": ${fullBecause}, and none of the others is idle and not kept.`,
          { retryAfterSeconds: 1 },
        );
      }
      await sleep(pollMs);
      pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS);
    }
  }

  /** Does nothing that is there ever make room for a model? Then there is nothing to wait for. */
  private isHopeless(forModel: string): boolean {
    return [...this.versions.values()].every(({ kept, model }) => kept || model === forModel);
  }

  private async evict(exceptModel: string, letGo: LetGo): Promise<boolean> {
    // One on its way back may be told of still by a worker that has yet to let it go: what is added when it has come
    // would be one too many.
    const mayGo = (model: string, version: string): boolean => {
      const one = this.get(model, version);
      return model !== exceptModel && one?.kept === false && one.digest !== '';
    };
    const victim = this.victimAsHeard(mayGo) ?? leastRecentlyUsed(await this.usage.run(), mayGo);
    const loaded = victim && this.get(victim.model, victim.version);
    if (loaded === undefined) return false;
    this.remove(loaded.model, loaded.version);
    await letGo(loaded);
    return true;
  }

  /** As of a moment ago, of what every worker had by then; one that is used again meanwhile finishes what it holds. */
  private victimAsHeard(mayGo: (model: string, version: string) => boolean): VersionUsage | undefined {
    const sinceMs = performance.now() - FRESH_MS;
    for (const [worker, { atMs }] of this.lastHeard) if (atMs < sinceMs) this.lastHeard.delete(worker);
    const byWorker = [...this.lastHeard.values()].map(({ usages }) => usages);
    const counts = new Map<string, number>();
    for (const { model, version } of byWorker.flat()) {
      const key = keyOf(model, version);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    return leastRecentlyUsed(
      byWorker,
      (model, version) => counts.get(keyOf(model, version)) === byWorker.length && mayGo(model, version),
    );
  }
}

function onItsWay(model: string, version: string): LoadedVersion {
  return { model, version, digest: '', kept: false, byDefault: false, memoryBytes: 0, light: false };
}

function keyOf(model: string, version: string): string {
  return `${model}/${version}`;
}

/** Of the versions that are idle on every worker, the one that none has used for longest. */
export function leastRecentlyUsed(
  byWorker: readonly (readonly VersionUsage[])[],
  mayGo: (model: string, version: string) => boolean,
): VersionUsage | undefined {
  const merged = new Map<string, VersionUsage>();
  for (const usage of byWorker.flat()) {
    const key = keyOf(usage.model, usage.version);
    const other = merged.get(key);
    merged.set(key, {
      ...usage,
      idle: usage.idle && (other?.idle ?? true),
      unusedMs: Math.min(usage.unusedMs, other?.unusedMs ?? Infinity),
    });
  }
  let victim: VersionUsage | undefined;
  for (const usage of merged.values()) {
    if (!usage.idle || !mayGo(usage.model, usage.version)) continue;
    if (victim === undefined || usage.unusedMs > victim.unusedMs) victim = usage;
  }
  return victim;
}
