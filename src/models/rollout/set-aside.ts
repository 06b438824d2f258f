import type { DesiredModels, Quarantined, Unbatched } from './messages';
import { DomainError } from '../../errors/domain-error';

/** How long a model is left alone after the first death: what killed the worker may have been something else. */
const REST_MS = 60_000;
/** Deaths further apart are no series. */
const SERIES_MS = 10 * 60_000;

/** What the server does not load, run or batch any more, until a call loads the model anew. */
export class SetAside {
  private readonly unloaded = new Set<string>();
  /** Models that workers died of while they loaded them, how often in a row and when: other files have them tried again, too. */
  private readonly deadly = new Map<string, { readonly deaths: number; readonly lastMs: number }>();
  /** Versions that workers died of while they ran them. */
  private readonly quarantined = new Map<string, Quarantined>();
  /** Versions whose batches were wrong. */
  private readonly unbatched = new Map<string, Unbatched>();

  constructor(private readonly now: () => number) {}

  /** What a worker that starts has to know of it. */
  get desired(): Pick<DesiredModels, 'unloaded' | 'unbatched' | 'quarantined'> {
    return {
      unloaded: [...this.unloaded],
      unbatched: [...this.unbatched.values()],
      quarantined: [...this.quarantined.values()],
    };
  }

  isUnloaded(model: string): boolean {
    return this.unloaded.has(model);
  }

  unbatchedOf(model: string): Unbatched[] {
    return [...this.unbatched.values()].filter((unbatched) => unbatched.model === model);
  }

  /** @throws model_unavailable, model_quarantined with the reason */
  requireUsable(model: string, version: string): void {
    if (this.unloaded.has(model)) throw unloadedByCall(model);
    this.requireHarmless(model);
    const quarantined = this.quarantined.get(versionKey(model, version));
    if (quarantined !== undefined) throw quarantinedVersion(model, version, quarantined.reason);
  }

  /** @throws model_unavailable where a worker died a moment ago while it loaded the model, or two did in a row */
  requireHarmless(model: string): void {
    const { deaths, lastMs } = this.deadly.get(model) ?? { deaths: 0, lastMs: -Infinity };
    if (deaths > 1 || this.now() - lastMs < REST_MS) throw deadlyModel(model);
  }

  unload(model: string): void {
    this.unloaded.add(model);
  }

  leaveAlone(model: string): void {
    const lastMs = this.now();
    const before = this.deadly.get(model);
    const inSeries = before !== undefined && lastMs - before.lastMs < SERIES_MS;
    this.deadly.set(model, { deaths: inSeries ? before.deaths + 1 : 1, lastMs });
  }

  /** It loads: nothing is held against it any more. */
  loads(model: string): void {
    this.deadly.delete(model);
  }

  /** @returns false: it was before */
  quarantine(quarantined: Quarantined): boolean {
    const key = versionKey(quarantined.model, quarantined.version);
    if (this.quarantined.has(key)) return false;
    this.quarantined.set(key, quarantined);
    return true;
  }

  /** @returns false: it was before, with this content */
  unbatch(unbatched: Unbatched): boolean {
    const key = versionKey(unbatched.model, unbatched.version);
    if (this.unbatched.get(key)?.digest === unbatched.digest) return false;
    this.unbatched.set(key, unbatched);
    return true;
  }

  /** The model is loaded anew: all of it is tried again. */
  release(model: string): void {
    this.unloaded.delete(model);
    this.deadly.delete(model);
    for (const versions of [this.unbatched, this.quarantined])
      for (const [key, one] of versions) if (one.model === model) versions.delete(key);
  }
}

export function versionKey(model: string, version: string): string {
  return `${model}/${version}`;
}

/** Requests do not bring back what a call took away. */
export function unloadedByCall(model: string): DomainError {
  return new DomainError('model_unavailable', `Model "${model}" was unloaded; a load call brings it back.`);
}

/** One that workers died of while it ran. */
export function quarantinedVersion(model: string, version: string, reason: string): DomainError {
  return new DomainError(
    'model_quarantined',
    `Model "${model}" version ${version} is set aside: ${reason}; a load call tries again.`,
  );
}

/** One that a worker died of while it loaded it. */
function deadlyModel(model: string): DomainError {
  return new DomainError(
    'model_unavailable',
    `Model "${model}" is left alone since a worker died while it loaded it; a load call tries again.`,
  );
}
