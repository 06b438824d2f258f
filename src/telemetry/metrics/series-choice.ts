import type { MetricsConfig } from '../../config/slices';
import { type Figures, mergeSubjects, type Subject, valueAt } from './figures';
import { MODELS } from './layout';
import { FAMILIES, STATISTICS } from './metric-families';

/** What every loaded model has, called or not. */
const OF_LOADED: ReadonlySet<number> = new Set([STATISTICS.resident, FAMILIES.modelMemory.at]);

type Counted = 'own' | 'rest' | 'nowhere';

/**
 * Chooses the series that Prometheus gets: of named models, or of as many model versions as may have their own, in the
 * order in which they are first used; all others are counted together. A version is counted in the same place from its
 * first use on, since a counter that moved would jump; what is no longer loaded makes room by leaving altogether.
 */
export class SeriesChoice {
  /** Where the versions that were used are counted. */
  private readonly places = new Map<string, Counted>();

  constructor(private readonly config: Pick<MetricsConfig, 'models' | 'maxModels'>) {}

  /** The figures as they are to be shown. */
  shown(figures: Figures): Figures {
    const fresh = figures.models.filter((model) => this.wantsPlace(model));
    if (fresh.length > 0) this.placeAll(fresh, figures.models);
    const own: Subject[] = [];
    const rest: Subject[] = [];
    for (const model of figures.models) {
      const place = this.placeOf(model);
      if (place === 'own') own.push(model);
      else if (place === 'rest') rest.push({ labels: MODELS.rest, cells: model.cells });
    }
    return { ...figures, models: [...own, ...mergeSubjects(MODELS, rest, Infinity)] };
  }

  private placeOf(model: Subject): Counted {
    const [name = ''] = model.labels;
    if (name === '' || this.config.models.includes(name)) return 'own';
    return this.places.get(keyOf(model)) ?? 'rest';
  }

  private wantsPlace(model: Subject): boolean {
    const [name] = model.labels;
    if (this.config.models.length > 0 || name === '' || name === MODELS.rest[0]) return false;
    const place = this.places.get(keyOf(model));
    return place === undefined ? wasUsed(model) : place === 'nowhere' && isLoaded(model);
  }

  private placeAll(fresh: readonly Subject[], all: readonly Subject[]): void {
    const own = all.filter((model) => this.places.get(keyOf(model)) === 'own');
    const gone = own.filter((model) => !isLoaded(model));
    let room = this.config.maxModels - own.length;
    for (const model of fresh) {
      const leaves = room > 0 ? undefined : gone.shift();
      if (leaves !== undefined) this.places.set(keyOf(leaves), 'nowhere');
      if (room > 0 || leaves !== undefined) this.places.set(keyOf(model), 'own');
      else if (this.places.get(keyOf(model)) === undefined) this.places.set(keyOf(model), 'rest');
      room--;
    }
  }
}

/** Was anything counted of it, or does anything wait for it? */
export function wasUsed({ cells }: Subject): boolean {
  return cells.some((place, i) => i % 2 === 0 && !OF_LOADED.has(place));
}

function isLoaded(model: Subject): boolean {
  return valueAt(model, STATISTICS.resident) > 0;
}

function keyOf({ labels }: Subject): string {
  return JSON.stringify(labels);
}
