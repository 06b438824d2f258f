import { type CacheFigures, cacheCountersOf, NO_CACHE, sumOfCaches } from './cache-figures';
import { addTo, gather } from './cells';
import { FIGURES } from './layout';
import { emptiedRemotes, mergeRemotes, remoteCountersOf, type RemoteFigures } from './remote-figures';

/** Model versions that have a label of their own; further ones share one. */
export const MAX_MODELS = 256;
export const OTHER_MODELS = '_other';

/** HTTP answers are counted by the first digit of their status. */
export const RESPONSE_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;

// Snapshots travel between processes: plain data, small for models that are idle.

/** One model version at one moment. */
export interface ModelFigures {
  /** Empty for requests of which no model is known. */
  readonly model: string;
  readonly version: string;
  /** The figures that are not zero: each one's place in the layout, then its value. */
  readonly cells: readonly number[];
  /** When an inference last succeeded, in milliseconds since 1970; 0 for never. */
  readonly lastInferenceMs: number;
  /** How often it is loaded here: 0 or 1, and more only while it is replaced. */
  readonly resident: number;
  readonly queuedRequests: number;
  readonly memoryBytes: number;
}

/** What a process counted, or several of them together. */
export interface Figures {
  readonly models: readonly ModelFigures[];
  readonly remotes: readonly RemoteFigures[];
  readonly cache: CacheFigures;
  /** By `RESPONSE_CLASSES`. */
  readonly responses: readonly number[];
}

export const NO_FIGURES: Figures = {
  models: [],
  remotes: [],
  cache: NO_CACHE,
  responses: RESPONSE_CLASSES.map(() => 0),
};

/** All figures of a model in their places. */
export function spread({ cells }: Pick<ModelFigures, 'cells'>): Float64Array {
  const figures = new Float64Array(FIGURES);
  addTo(figures, cells);
  return figures;
}

/**
 * The sum of snapshots of different processes. Models and remotes that come first keep their label when there are more
 * than have room; put the totals that must not lose theirs in front.
 */
export function mergeSnapshots(parts: readonly Figures[], maxModels = MAX_MODELS): Figures {
  const merged = new Map<string, MergedModel>();
  const responses = [...NO_FIGURES.responses];
  for (const part of parts) {
    part.responses.forEach((count, i) => (responses[i]! += count));
    for (const model of part.models) place(merged, model, maxModels).add(model);
  }
  return {
    models: [...merged.values()].map((model) => model.figures()),
    remotes: mergeRemotes(parts.flatMap(({ remotes }) => remotes)),
    cache: sumOfCaches(parts.map(({ cache }) => cache)),
    responses,
  };
}

/** What remains of a process that is gone: what it counted, but nothing that it held. */
export function countersOf({ models, remotes, cache, responses }: Figures): Figures {
  return {
    models: models.map((model) => ({ ...model, resident: 0, queuedRequests: 0, memoryBytes: 0 })),
    remotes: remoteCountersOf(remotes),
    cache: cacheCountersOf(cache),
    responses,
  };
}

/** The labels alone. */
export function emptied({ models, remotes }: Figures): Figures {
  const nothing = { cells: [], lastInferenceMs: 0, resident: 0, queuedRequests: 0, memoryBytes: 0 };
  return {
    models: models.map(({ model, version }) => ({ model, version, ...nothing })),
    remotes: emptiedRemotes(remotes),
    cache: NO_CACHE,
    responses: NO_FIGURES.responses,
  };
}

function place(
  merged: Map<string, MergedModel>,
  { model, version }: ModelFigures,
  maxModels: number,
): MergedModel {
  const known = merged.get(JSON.stringify([model, version]));
  if (known !== undefined) return known;
  const full = merged.size >= maxModels && model !== '' && model !== OTHER_MODELS;
  const label: [string, string] = full ? [OTHER_MODELS, ''] : [model, version];
  const key = JSON.stringify(label);
  const place = merged.get(key) ?? new MergedModel(...label);
  merged.set(key, place);
  return place;
}

class MergedModel {
  private readonly sums = new Float64Array(FIGURES);
  private lastInferenceMs = 0;
  private resident = 0;
  private queuedRequests = 0;
  private memoryBytes = 0;

  constructor(
    private readonly model: string,
    private readonly version: string,
  ) {}

  add(figures: ModelFigures): void {
    addTo(this.sums, figures.cells);
    this.lastInferenceMs = Math.max(this.lastInferenceMs, figures.lastInferenceMs);
    // Every worker loads the same models: loaded in two of them is still one model.
    this.resident = Math.max(this.resident, figures.resident);
    this.queuedRequests += figures.queuedRequests;
    this.memoryBytes += figures.memoryBytes;
  }

  figures(): ModelFigures {
    const { model, version, lastInferenceMs, resident, queuedRequests, memoryBytes } = this;
    return {
      model,
      version,
      cells: gather(this.sums),
      lastInferenceMs,
      resident,
      queuedRequests,
      memoryBytes,
    };
  }
}
