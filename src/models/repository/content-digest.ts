import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { sha256OfFile } from '../../common/file-digest';
import { DomainError } from '../../errors/domain-error';
import type { ExternalDataFile } from './onnx-file/external-data';
import { fileErrorReason } from '../../common/safe-path';

/** The files that make a model what it is. */
export interface VersionFiles {
  readonly modelFile: string;
  readonly externalData: readonly ExternalDataFile[];
  /** Absolute paths of what its declaration names, and of what was read of it. */
  readonly assets?: readonly string[];
}

const FORM = 'nestor-model-1';

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

/** All of them. */
export function pathsOf({ modelFile, externalData, assets = [] }: VersionFiles): string[] {
  return [modelFile, ...externalData.map(({ file }) => file), ...assets];
}

/** SHA-256 of a file's bytes, as hex digits. @throws model_unavailable when it cannot be read */
export async function fileDigest(file: string): Promise<string> {
  try {
    return await sha256OfFile(file);
  } catch (error) {
    const reason = `${basename(file)} cannot be read: ${fileErrorReason(error)}`;
    throw new DomainError('model_unavailable', reason, { cause: error });
  }
}

function byLocation(a: ExternalDataFile, b: ExternalDataFile): number {
  return a.location < b.location ? -1 : 1;
}
