import { DomainError } from '../../errors/domain-error';
import type { LoadReport } from '../../process/ipc/loaded-version';
import type { Readiness } from '../../runners/runner';
import type { ModelConfig } from '../repository/model-config';
import type { FoundVersion } from '../repository/model-files';
import type { FoundModel } from '../repository/model-repository';
import type { LoadedModel } from './loaded-model';
import { createHash } from 'node:crypto';

/** One version on disk and what became of it in this process. */
export class VersionEntry {
  private current: ModelState = 'UNAVAILABLE';
  /** Since when it is in this state, in milliseconds of `performance.now()`. */
  sinceMs = performance.now();
  /** Why it is in this state; empty when there is nothing to say. */
  reason = '';
  served: LoadedModel | undefined;
  /** How its load went, once it has. */
  load: LoadReport | undefined;
  /** The count of changes with the last one that wanted it here. */
  generation = -Infinity;
  /** The load under way, which every request for this version waits for. */
  loading: Promise<void> | undefined;
  /** Why no request may have it loaded again: workers died of it, or this one lags behind the others on its way out. */
  refusal: DomainError | undefined;
  /** When the last load failed, in milliseconds of `performance.now()`. */
  failedAtMs = -Infinity;

  constructor(
    readonly model: string,
    readonly found: FoundVersion,
    readonly config: ModelConfig,
    /** What `digest` has to be; undefined: whatever the folder has is right. */
    private readonly wantedDigest?: string,
  ) {}

  get state(): ModelState {
    return this.current;
  }

  set state(state: ModelState) {
    if (state !== this.current) this.sinceMs = performance.now();
    this.current = state;
  }

  get version(): string {
    return this.found.version;
  }

  /** Of what serves, with its settings; empty when it does not serve. */
  get digest(): string {
    return this.served === undefined ? '' : versionDigest(this.served.digest, this.config);
  }

  /** @throws model_unavailable when this content is not the wanted one */
  expectContent(contentDigest: string): void {
    if (this.wantedDigest === undefined || versionDigest(contentDigest, this.config) === this.wantedDigest)
      return;
    throw new DomainError(
      'model_unavailable',
      'the model folder has other files or settings by now than the server has loaded',
    );
  }

  /** Is it set aside, as workers died of it? */
  get isQuarantined(): boolean {
    return this.refusal?.code === 'model_quarantined';
  }

  /** Would a request be served now? Where it runs elsewhere, as far as is known. */
  readiness(): Readiness {
    if (this.state !== 'READY') return { ready: false, reason: this.reason };
    return this.served?.runner.readiness?.() ?? { ready: true };
  }

  failed(reason: string): void {
    this.state = 'UNAVAILABLE';
    this.reason = reason;
    this.failedAtMs = performance.now();
  }
}

/** One that serves. */
export type ServingVersion = VersionEntry & { served: LoadedModel };

/** One model: its versions on disk, of which one serves requests that name none. */
export class ModelEntry {
  readonly versions = new Map<string, VersionEntry>();
  /** The one that the whole server has agreed on to serve requests that name none; as long as it serves. */
  agreed: string | undefined;
  /** The one that would be: of those on disk the highest that the policy names, as of the last look. */
  latest: string | undefined;
  /** Is the server not ready without it? */
  required = false;
  /** Was it to be loaded at the start? Then it never makes room for others. */
  kept = false;
  /** What the last look found of it. */
  found: FoundModel | undefined;
  /** Why nothing of it can be served, when that is so. */
  reason = '';
  /** Was it unloaded by a call? Then only a call loads it again, no request does. */
  unloaded = false;

  constructor(readonly name: string) {}

  get defaultVersion(): string | undefined {
    return this.agreed ?? this.latest;
  }

  /** The named version, or the default one. */
  version(version: string | undefined): VersionEntry | undefined {
    const wanted = version ?? this.defaultVersion;
    return wanted === undefined ? undefined : this.versions.get(wanted);
  }

  /**
   * Why requests get no answer that ought to; undefined while they do, or while it only waits for the first one.
   */
  get fault(): string | undefined {
    const entry = this.version(undefined);
    if (entry?.readiness().ready === true) return undefined;
    if (this.unloaded) return this.required ? 'it was unloaded by a call' : undefined;
    const reason = entry === undefined ? this.reason : entry.readiness().reason || entry.reason;
    return reason || (this.required ? 'it is not loaded' : undefined);
  }

  /** The server has not got it. */
  failed(reason: string): void {
    const entry = this.version(undefined);
    if (entry === undefined) this.reason = reason;
    else if (entry.served === undefined) entry.failed(reason);
  }

  /** The versions that serve, lowest first. */
  loaded(): ServingVersion[] {
    return [...this.versions.values()]
      .filter((entry): entry is ServingVersion => entry.served !== undefined)
      .sort((a, b) => Number(a.version) - Number(b.version));
  }
}

/** The states of the Open Inference Protocol's repository extension that a version here can be in. */
export type ModelState = 'UNAVAILABLE' | 'LOADING' | 'READY' | 'UNLOADING';

/** A model that comes and goes is asked for its digest several times each time. */
const lastDigests = new WeakMap<ModelConfig, { readonly content: string; readonly digest: string }>();

/**
 * Hex digest of a version's content and of all its settings, by which workers see that they serve the same. The
 * content's own digest is not enough: most settings change how a request is served and not what it is answered.
 */
export function versionDigest(contentDigest: string, config: ModelConfig): string {
  const before = lastDigests.get(config);
  if (before?.content === contentDigest) return before.digest;
  const digest = createHash('sha256')
    .update(JSON.stringify([contentDigest, config]))
    .digest('hex');
  lastDigests.set(config, { content: contentDigest, digest });
  return digest;
}
