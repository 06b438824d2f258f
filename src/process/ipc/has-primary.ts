import cluster from 'node:cluster';
import type { ClusterConfig } from '../../config/config.slices';

/**
 * Does this process work under a primary of this server? Not where the server is part of somebody's application, which
 * may itself be one of several workers.
 */
export function hasPrimary({ workers }: Pick<ClusterConfig, 'workers'>): boolean {
  return workers !== 0 && cluster.isWorker;
}
