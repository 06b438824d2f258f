import { addTo, gather } from './cells';
import { REMOTE_FIGURES } from './layout';

/** Remotes that have labels of their own; further ones share one. */
export const MAX_REMOTES = 256;
export const OTHER_REMOTES = '_other';

/** One remote of one model at one moment, as it travels between processes. */
export interface RemoteFigures {
  readonly model: string;
  /** Its host and port. */
  readonly remote: string;
  /** The figures that are not zero: each one's place in the layout of a remote, then its value. */
  readonly cells: readonly number[];
  /** Calls under way. */
  readonly outstanding: number;
  /** Out of use in so many workers. */
  readonly ejected: number;
}

/** The sum of the remotes of different processes; those that come first keep their labels. */
export function mergeRemotes(
  remotes: readonly RemoteFigures[],
  maxRemotes = MAX_REMOTES,
): readonly RemoteFigures[] {
  const merged = new Map<string, RemoteFigures[]>();
  for (const figures of remotes) {
    const own = JSON.stringify([figures.model, figures.remote]);
    const full = !merged.has(own) && merged.size >= maxRemotes;
    const key = full ? JSON.stringify([OTHER_REMOTES, OTHER_REMOTES]) : own;
    const parts = merged.get(key);
    if (parts !== undefined) parts.push(figures);
    else merged.set(key, [full ? { ...figures, model: OTHER_REMOTES, remote: OTHER_REMOTES } : figures]);
  }
  return [...merged.values()].map(sumOf);
}

/** What remains of the remotes of a process that is gone: what it counted, but nothing that it held. */
export function remoteCountersOf(remotes: readonly RemoteFigures[]): readonly RemoteFigures[] {
  return remotes.map((figures) => ({ ...figures, outstanding: 0, ejected: 0 }));
}

/** The labels alone. */
export function emptiedRemotes(remotes: readonly RemoteFigures[]): readonly RemoteFigures[] {
  return remotes.map(({ model, remote }) => ({ model, remote, cells: [], outstanding: 0, ejected: 0 }));
}

function sumOf(parts: readonly RemoteFigures[]): RemoteFigures {
  const [{ model, remote }] = parts as readonly [RemoteFigures, ...RemoteFigures[]];
  const sums = new Float64Array(REMOTE_FIGURES);
  let outstanding = 0;
  let ejected = 0;
  for (const part of parts) {
    addTo(sums, part.cells);
    outstanding += part.outstanding;
    ejected += part.ejected;
  }
  return { model, remote, cells: gather(sums), outstanding, ejected };
}
