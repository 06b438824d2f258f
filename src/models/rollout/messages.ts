import type { LoadedVersion, LoadReport, UnavailableModel } from '../../process/ipc/loaded-version';

/** Something between workers that the primary does not look into. */
export type HandedOn = unknown;

/** A wish for the whole server, put to the coordinator. */
export type ModelChange =
  /** Load what the folder has now, in place of what serves. */
  | { readonly action: 'load'; readonly model: string }
  /** The same, unless a call has unloaded it meanwhile: nobody asked for it. */
  | { readonly action: 'renew'; readonly model: string }
  | { readonly action: 'unload'; readonly model: string }
  /** Have this version loaded, as a request wants it. */
  | { readonly action: 'ensure'; readonly model: string; readonly version: string };

/** A change that a worker asks for. */
export interface Wish {
  readonly change: ModelChange;
  /** Of its versions that may make room, where these are few. */
  readonly usage?: readonly VersionUsage[];
}

/** A version that workers died of. */
export interface Quarantined {
  readonly model: string;
  readonly version: string;
  readonly reason: string;
}

/** A version whose batches were seen to be wrong. */
export interface Unbatched {
  readonly model: string;
  readonly version: string;
  /** Of content and settings: other ones may be batched. */
  readonly digest: string;
  readonly reason: string;
}

/** What every worker is to have loaded. */
export interface DesiredModels {
  /** Counts the changes. */
  readonly generation: number;
  readonly loaded: readonly LoadedVersions[];
  /** Models that were to be loaded at the start, and never make room. */
  readonly kept: readonly string[];
  /** Why the server has not got some of those. */
  readonly failed: readonly Pick<UnavailableModel, 'model' | 'reason'>[];
  /** Models that were unloaded by a call, which no request may load again. */
  readonly unloaded: readonly string[];
  readonly unbatched: readonly Unbatched[];
  readonly quarantined: readonly Quarantined[];
}

export interface LoadedVersions {
  readonly model: string;
  readonly versions: readonly Pick<LoadedVersion, 'version' | 'digest' | 'byDefault'>[];
}

/** A worker that is about to serve says what it has, and as of which change. */
export interface Join {
  /** Undefined: it has not been told what the others have. */
  readonly generation: number | undefined;
  readonly loaded: readonly LoadedVersion[];
  /** Models that it was to load at the start. */
  readonly kept: readonly string[];
  readonly unavailable: readonly UnavailableModel[];
  /** Models of other servers, which no worker has to itself. */
  readonly elsewhere: readonly string[];
}

/**
 * May the worker serve? False: models were changed since it looked. Names: of what others serve it cannot load these, and
 * need not serve as long as they do.
 */
export type Joined = boolean | readonly string[];

export interface WantedVersion {
  readonly version: string;
  /** What it has to be, as others serve it; absent: what the folder has. */
  readonly digest?: string;
}

/** First phase of a change: load beside what serves, and do not serve yet. */
export interface Prepare {
  readonly id: number;
  readonly model: string;
  /** Absent: those that the model's policy names. */
  readonly versions?: readonly WantedVersion[];
  /** Do these take the place of all loaded versions, or stand beside them? */
  readonly replace: boolean;
  /** Present: they serve as soon as they are loaded, without a second phase. */
  readonly atOnce?: AtOnce;
  /** What another worker has seen of small ones, which need not be run for it again: a `Proof` each. */
  readonly proofs?: readonly HandedOn[];
}

/** The rest of a change that takes one message: of a version whose content is known, so that no two workers can differ. */
export interface AtOnce {
  /** Which one requests that name none get; undefined: this one, where it is the latest. */
  readonly byDefault: string | undefined;
  readonly unbatched: readonly Unbatched[];
  /** As `Commit` has it. */
  readonly generation: number;
  /** What makes room for it. */
  readonly leave: readonly Leave[];
}

/** A version that is to make room, unless it has come back since: a message may be overtaken while it waits for its turn. */
export interface Leave {
  readonly model: string;
  readonly version: string;
  /** The changes that there had been when it was chosen. */
  readonly generation: number;
}

export interface Prepared {
  readonly versions: readonly PreparedVersion[];
  /** Which one requests that name none are to get, as of a look at the folder. */
  readonly latest: string | undefined;
  /** Of the versions that may make room, where these are few: of changes that are made at once. */
  readonly usage?: readonly VersionUsage[];
  /** What was seen of small ones, for the workers that follow: a `Proof` each. */
  readonly proofs?: readonly HandedOn[];
}

export interface PreparedVersion {
  readonly version: string;
  /** Of content and settings: workers that read different files must not both serve. */
  readonly digest: string;
  readonly memoryBytes: number;
  /** Is it small, with nothing to be proved before it serves? Then it need not be loaded in two phases again. */
  readonly light: boolean;
  readonly load?: LoadReport;
}

/** Last phase: serve what was prepared. */
export interface Commit {
  readonly id: number;
  /** The count of changes, this one included. */
  readonly generation: number;
  /** Which one requests that name none get from now on; undefined while none of those for them is loaded. */
  readonly byDefault: string | undefined;
  /** Of the model's versions those whose batches were wrong before. */
  readonly unbatched: readonly Unbatched[];
  /**
   * The model all of whose versions these replace, and what it has now: who had no part in it, on its way out, and has
   * something else serves none of it any more.
   */
  readonly replaced?: { readonly model: string; readonly digests: Readonly<Record<string, string>> };
}

/** Or throw it away. */
export interface Abort {
  readonly id: number;
}

/** Stop serving these versions; work in hand is finished. */
export interface Retire {
  readonly model: string;
  readonly versions: readonly string[];
  /** Was it a call, so that requests may not load it again? */
  readonly byCall: boolean;
}

/** How one worker uses a loaded version. */
export interface VersionUsage {
  readonly model: string;
  readonly version: string;
  readonly idle: boolean;
  readonly unusedMs: number;
}

/** Topics of the coordinator. */
export const CHANGE = 'models.change';
export const DESIRED = 'models.desired';
export const JOIN = 'models.join';
export const WRONG_BATCHES = 'models.wrong-batches';

/** Topics of each worker. */
export const PREPARE = 'models.prepare';
export const COMMIT = 'models.commit';
export const ABORT = 'models.abort';
export const RETIRE = 'models.retire';
export const USAGE = 'models.usage';
export const UNBATCH = 'models.unbatch';
export const QUARANTINE = 'models.quarantine';

/** How long a change may take: others' changes of the same model come first, and each may take its whole time. */
export function changeTimeoutMs({ loadTimeoutMs }: { readonly loadTimeoutMs: number }): number {
  return 4 * loadTimeoutMs;
}
