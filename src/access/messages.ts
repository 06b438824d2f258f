import type { KeyEntry } from './credentials/key-entry';
import type { RemoteKeys } from './credentials/jwt';

/** What is known of callers at one moment, as the primary tells its workers. */
export interface KnownCallers {
  /** Counts up: a higher one is newer. */
  readonly generation: number;
  /** Counts up when a credential that was good may not be so any more. */
  readonly credentialsGeneration: number;
  readonly keys: readonly KeyEntry[];
  /** The text of the file of public keys. */
  readonly publicKeys: string | undefined;
  readonly remoteKeys: RemoteKeys | undefined;
}

/** Topics between the primary and its workers. */
export const TOPIC = {
  /** To the primary: what is known of callers. */
  callers: 'access.callers',
  /** To a worker: the same, as it has changed. */
  changed: 'access.changed',
  /** To the primary: tokens name a key that their issuer must be asked for. Answered when it has been. */
  newKeys: 'access.new-keys',
  /** To the primary: tokens of a caller's rate. */
  lease: 'access.lease',
} as const;
