import { setTimeout as sleep } from 'node:timers/promises';
import { Coalesced } from '../../common/coalesced';
import { DomainError } from '../../errors/domain-error';
import type { LoadedVersion } from '../../process/ipc/loaded-version';
import type { Reply } from '../../process/ipc/messages';
import { type LoadedVersions, USAGE, type VersionUsage } from './messages';

const ASK_MS = 2_000;
/** How often a full server looks for a version that became idle. */
const POLL_MS = 10;

export interface ResidencyOptions {
  askAll<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Reply<Value>[]>;
  readonly maxResident: number;
  /** 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly loadTimeoutMs: number;
}

/**
 * The versions that are resident on every worker, those on their way included, within limits of number and
 * memory. The least recently used idle one makes room; those of the start, and ones with work in hand, never do.
 */
export class LruResidency {
  private readonly versions = new Map<string, LoadedVersion>();
  private readonly usage: Coalesced<VersionUsage[][]>;

  constructor(
    private readonly options: ResidencyOptions,
    private readonly retire: (model: string, version: string) => Promise<void>,
  ) {
    // However many wait for room, the workers are asked once.
    this.usage = new Coalesced(async () => {
      const replies = await options.askAll<VersionUsage[]>(USAGE, undefined, ASK_MS);
      return replies.flatMap((reply) => (reply.ok ? [reply.value] : []));
    });
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

  /** Gives a version that is to be loaded its place, as soon as there is one. @throws model_unavailable */
  async reserve(model: string, version: string): Promise<void> {
    await this.until(model, `${this.options.maxResident} models are resident (MAX_RESIDENT_MODELS)`, () => {
      if (this.versions.size >= this.options.maxResident) return false;
      this.add(onItsWay(model, version));
      return true;
    });
  }

  /** Notes what a reserved version takes, and makes room for it; it counts as loaded when it is added. @throws model_unavailable */
  async claim(model: string, version: string, memoryBytes: number): Promise<void> {
    this.add({ ...onItsWay(model, version), memoryBytes });
    const takes = `it takes ${memoryBytes} bytes beside the others (MAX_MODELS_MEMORY)`;
    await this.until(model, takes, () => this.fits());
  }

  /** Lets others go after a load by call, which is not refused, took more than there is room for. */
  async shrink(exceptModel: string): Promise<void> {
    while (this.versions.size > this.options.maxResident || !this.fits()) {
      if (!(await this.evict(exceptModel))) return;
    }
  }

  private fits(): boolean {
    const { maxMemoryBytes } = this.options;
    if (maxMemoryBytes === 0) return true;
    let bytes = 0;
    for (const version of this.versions.values()) bytes += version.memoryBytes;
    return bytes <= maxMemoryBytes;
  }

  private async until(model: string, fullBecause: string, holds: () => boolean): Promise<void> {
    const giveUpMs = performance.now() + this.options.loadTimeoutMs;
    while (!holds()) {
      if (await this.evict(model)) continue;
      if (performance.now() > giveUpMs) {
        throw new DomainError(
          'model_unavailable',
          `There is no room for model "${model}": ${fullBecause}, and none of the others is idle and not kept.`,
          { retryAfterSeconds: 1 },
        );
      }
      await sleep(POLL_MS);
    }
  }

  private async evict(exceptModel: string): Promise<boolean> {
    const victim = leastRecentlyUsed(
      await this.usage.run(),
      (model, version) => model !== exceptModel && this.get(model, version)?.kept === false,
    );
    if (victim === undefined) return false;
    this.remove(victim.model, victim.version);
    await this.retire(victim.model, victim.version);
    return true;
  }
}

function onItsWay(model: string, version: string): LoadedVersion {
  return { model, version, digest: '', kept: false, byDefault: false, memoryBytes: 0 };
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
