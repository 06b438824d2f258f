import { type FileStamp, isUnchanged, settledStampOf, stampOf } from '../../common/file-stamp';
import { contentDigest, pathsOf, type VersionFiles } from '../repository/content-digest';
import { inspectModel, type ModelContents } from '../repository/onnx-file/external-data';

/** Model files that are remembered. */
const MAX_FILES = 10_000;

interface Known {
  readonly contents: ModelContents;
  readonly stamp: FileStamp;
  readonly digests: Map<string, string>;
}

/** What a look into a model's files found. */
export interface Contents extends ModelContents {
  /** By which the files' later states are told from this one. */
  readonly stamp: FileStamp;
  /** Hex digest of the files and of these settings. @throws model_unavailable when a file cannot be read */
  digest(this: void, resultSettings: readonly unknown[]): Promise<string>;
}

/**
 * Looks into model files and takes their digests, once for each state of the files: as long as their times say that
 * nobody has touched them, a version that is loaded again is not read for it again.
 */
export class KnownContents {
  private readonly known = new Map<string, Known>();

  constructor(private readonly digestOf: typeof contentDigest = contentDigest) {}

  /** @throws what `inspectModel` throws */
  async look(modelFile: string): Promise<Contents> {
    const known = this.known.get(modelFile);
    if (known !== undefined && (await isUnchanged(known.stamp))) return this.contentsOf(modelFile, known);
    const contents = await inspectModel(modelFile);
    const paths = pathsOf({ modelFile, externalData: contents.externalData });
    const settled = await settledStampOf(paths);
    const found: Known = { contents, stamp: settled ?? (await stampOf(paths)), digests: new Map() };
    this.known.delete(modelFile);
    if (settled !== undefined) {
      if (this.known.size >= MAX_FILES) this.known.clear();
      this.known.set(modelFile, found);
    }
    return this.contentsOf(modelFile, found);
  }

  private contentsOf(modelFile: string, { contents, stamp, digests }: Known): Contents {
    const files: VersionFiles = { modelFile, externalData: contents.externalData };
    return {
      ...contents,
      stamp,
      digest: async (resultSettings) => {
        const key = JSON.stringify(resultSettings);
        const before = digests.get(key);
        if (before !== undefined) return before;
        const digest = await this.digestOf(files, resultSettings);
        // What was read has to be what the stamp names.
        if (await isUnchanged(stamp)) digests.set(key, digest);
        return digest;
      },
    };
  }
}
