import { type BigIntStats, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { explained } from './safe-path';

/** As coarse as a file system's times may be: a second change within this time may not show in them. */
const SETTLED_MS = 2000;

/** Files and folders as they were, told from what they were before and will be by identity, size and times. */
export interface FileStamp {
  readonly paths: readonly string[];
  readonly text: string;
}

/** @throws DomainError `model_unavailable` when one is not there */
export async function stampOf(paths: readonly string[]): Promise<FileStamp> {
  return { paths, text: textOf(await statsOf(paths)) };
}

/** The same, where it will tell of every later change: undefined while one is younger than its times are fine. */
export async function settledStampOf(paths: readonly string[]): Promise<FileStamp | undefined> {
  const stats = await statsOf(paths);
  const latestNs = BigInt(Date.now() - SETTLED_MS) * 1_000_000n;
  const isYoung = stats.some(({ mtimeNs, ctimeNs }) => mtimeNs > latestNs || ctimeNs > latestNs);
  return isYoung ? undefined : { paths, text: textOf(stats) };
}

/** Are they still what they were? Not when one is gone, or cannot be looked at. */
export async function isUnchanged({ paths, text }: FileStamp): Promise<boolean> {
  return stampOf(paths).then(
    (now) => now.text === text,
    () => false,
  );
}

/** The same for a thread that may wait for the disk. */
export function isUnchangedNow({ paths, text }: FileStamp): boolean {
  try {
    return textOf(paths.map((path) => statSync(path, { bigint: true }))) === text;
  } catch {
    return false;
  }
}

function statsOf(paths: readonly string[]): Promise<BigIntStats[]> {
  return Promise.all(paths.map((path) => explained(dirname(path), path, stat(path, { bigint: true }))));
}

function textOf(stats: readonly BigIntStats[]): string {
  return stats
    .map(({ dev, ino, size, mtimeNs, ctimeNs }) => `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`)
    .join();
}
