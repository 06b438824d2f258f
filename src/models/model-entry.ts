import type { FoundVersion } from './model-repository';
import type { ModelState } from './model-state';
import type { ServedModel } from './served-model';
import type { ModelConfig } from './model-config';

/** One version on disk and what became of it in this process. */
export class VersionEntry {
  state: ModelState = 'UNAVAILABLE';
  /** Why it is in this state; empty when there is nothing to say. */
  reason = '';
  served: ServedModel | undefined;
  /** The load under way, which every request for this version waits for. */
  loading: Promise<ServedModel> | undefined;
  /** When the last load failed, in milliseconds of `performance.now()`. */
  failedAtMs = -Infinity;
  /** Requests that hold this version; it is not unloaded under them. */
  leases = 0;
  lastUsedAtMs = 0;
  required = false;

  constructor(
    readonly model: string,
    readonly found: FoundVersion,
    readonly config: ModelConfig,
  ) {}

  get version(): string {
    return this.found.version;
  }

  /** Does it take up a place among the resident models? */
  get resident(): boolean {
    return this.state !== 'UNAVAILABLE';
  }

  /** May it make room for another? */
  get evictable(): boolean {
    return this.state === 'READY' && !this.required && this.leases === 0;
  }
}

/** One model on disk: its versions, of which `defaultVersion` serves requests that name none. */
export class ModelEntry {
  readonly versions = new Map<string, VersionEntry>();
  defaultVersion: string | undefined;
  /** Is the server not ready without it? */
  required = false;
  /** Why nothing of it can be served, when that is so. */
  reason = '';

  constructor(readonly name: string) {}

  /** The named version, or the default one. */
  version(version: string | undefined): VersionEntry | undefined {
    const wanted = version ?? this.defaultVersion;
    return wanted === undefined ? undefined : this.versions.get(wanted);
  }
}
