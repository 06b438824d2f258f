import { Injectable } from '@nestjs/common';
import { RemoteCounters } from './remote-counters';

/** Remotes that are counted each for itself; further ones share one place. */
const MAX_REMOTES = 256;
const OTHERS = '_other';

export interface RemoteLabels {
  readonly model: string;
  /** Its host and port. */
  readonly remote: string;
}

/** The counters of all remotes of this process; they outlive a model's unloading. */
@Injectable()
export class RemoteStats {
  private readonly places = new Map<
    string,
    { readonly labels: RemoteLabels; readonly counters: RemoteCounters }
  >();

  counters(labels: RemoteLabels): RemoteCounters {
    const key = JSON.stringify([labels.model, labels.remote]);
    let place = this.places.get(key);
    if (place === undefined) {
      if (this.places.size >= MAX_REMOTES && labels.model !== OTHERS) {
        return this.counters({ model: OTHERS, remote: OTHERS });
      }
      place = { labels, counters: new RemoteCounters() };
      this.places.set(key, place);
    }
    return place.counters;
  }

  all(): Iterable<{ readonly labels: RemoteLabels; readonly counters: RemoteCounters }> {
    return this.places.values();
  }
}
