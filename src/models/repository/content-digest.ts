import { createHash } from 'node:crypto';
import { type BigIntStats, createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { DomainError } from '../../errors/domain-error';
import type { ExternalDataFile } from './onnx-file/external-data';
import { explained, fileErrorReason } from '../../common/safe-path';

/** The files that make a model what it is. */
export interface VersionFiles {
  readonly modelFile: string;
  readonly externalData: readonly ExternalDataFile[];
  /** Absolute paths of what its declaration names, and of what was read of it. */
  readonly assets?: readonly string[];
}

const FORM = 'nestor-model-1';
/** As coarse as a file system's times may be. */
const SETTLED_MS = 2000;
/** Read and hashed at once: larger than a stream's usual 64 KiB, small enough for an event loop to bear. */
const CHUNK_BYTES = 256 * 1024;

/**
 * SHA-256 over a model's files and the settings that change its results (a list for each kind of runner), as 64 hex
 * digits: equal for equal content, wherever it lies and whatever it is called. The runtime's version is not part of it.
 * The files are streamed, one after the other.
 * @throws DomainError `model_unavailable` when a file cannot be read
 */
export async function contentDigest(
  files: VersionFiles,
  resultSettings: readonly unknown[],
): Promise<string> {
  const model = await fileDigest(files.modelFile);
  const externalData: [location: string, digest: string][] = [];
  for (const { location, file } of [...files.externalData].sort(byLocation)) {
    externalData.push([location, await fileDigest(file)]);
  }
  // Digests in a JSON list: no two different lists of files have the same text.
  const content = [FORM, model, externalData, ...resultSettings];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}

/**
 * Says by identity, size and times which files these are. Equal ones before and after a time mean that nobody
 * replaced or wrote them meanwhile: the content whose digest was taken is the content that was loaded.
 * @throws DomainError `model_unavailable` when a file is not there
 */
export async function fileStamp(files: VersionFiles): Promise<string> {
  return stampOf(await statsOf(files));
}

/** The same, where it will tell of every later change: undefined while a file is younger than its times are fine. */
export async function settledStamp(files: VersionFiles): Promise<string | undefined> {
  const stats = await statsOf(files);
  const latestNs = BigInt(Date.now() - SETTLED_MS) * 1_000_000n;
  return stats.some(({ mtimeNs, ctimeNs }) => mtimeNs > latestNs || ctimeNs > latestNs)
    ? undefined
    : stampOf(stats);
}

function statsOf({ modelFile, externalData, assets = [] }: VersionFiles): Promise<BigIntStats[]> {
  const files = [modelFile, ...externalData.map(({ file }) => file), ...assets];
  return Promise.all(files.map((file) => explained(dirname(file), file, stat(file, { bigint: true }))));
}

function stampOf(stats: readonly BigIntStats[]): string {
  return stats
    .map(({ dev, ino, size, mtimeNs, ctimeNs }) => `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`)
    .join();
}

/** SHA-256 of a file's bytes, as hex digits. @throws model_unavailable when it cannot be read */
export async function fileDigest(file: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }))
      hash.update(chunk as Buffer);
  } catch (error) {
    const reason = `${basename(file)} cannot be read: ${fileErrorReason(error)}`;
    throw new DomainError('model_unavailable', reason, { cause: error });
  }
  return hash.digest('hex');
}

function byLocation(a: ExternalDataFile, b: ExternalDataFile): number {
  return a.location < b.location ? -1 : 1;
}
