import { PassingSet } from '../../common/passing';
import type { VersionEntry } from '../loading/model-entry';
import type { VersionUsage } from './messages';

/** More of them are not listed where nobody asks for it. */
const FEW = 32;

/** The versions that serve in this worker, and how they are used. */
export class ServingVersions {
  private readonly entries = new PassingSet<VersionEntry>();

  /** @param loading what requests for it wait for: it is not taken from them again before they have had their turn */
  add(entry: VersionEntry, loading: Promise<void> | undefined): void {
    this.entries.add(entry);
    const use = entry.served?.use;
    if (loading === undefined || use === undefined) return;
    use.take();
    const letGo = (): void => void setImmediate(() => use.release());
    void loading.then(letGo, letGo);
  }

  delete(entry: VersionEntry): void {
    this.entries.delete(entry);
  }

  get usage(): VersionUsage[] {
    return usageOf(this.entries);
  }

  /** Of those that may make room; undefined where they are many. */
  usageOfFew(mayGo: (model: string) => boolean): VersionUsage[] | undefined {
    const some = [...this.entries].filter(({ model }) => mayGo(model));
    return some.length > FEW ? undefined : usageOf(some);
  }
}

function usageOf(entries: Iterable<VersionEntry>): VersionUsage[] {
  const nowMs = performance.now();
  const usages: VersionUsage[] = [];
  for (const { model, version, served } of entries) {
    if (served === undefined) continue;
    const { leases, lastUsedAtMs } = served.use;
    usages.push({ model, version, idle: leases === 0, unusedMs: nowMs - lastUsedAtMs });
  }
  return usages;
}
