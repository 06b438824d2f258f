import type { RpcChannel } from '../../process/ipc/rpc-channel';
import { settledStampOf, stampOf } from '../../common/file-stamp';
import { contentDigest, pathsOf, type VersionFiles } from './content-digest';

/** To the primary: the digest of a model's files. */
export const DIGEST = 'models.digest';
/** Digests that are remembered. */
const MAX_DIGESTS = 10_000;

export interface DigestQuestion {
  readonly files: VersionFiles;
  readonly resultSettings: readonly unknown[];
}

/** Digests of model files, taken once for the whole server: as long as their times say that nobody has touched them. */
export class KnownDigests {
  private readonly known = new Map<string, Promise<string>>();

  /** Answers a worker's questions on its line. */
  serve(channel: Pick<RpcChannel, 'handle'>): void {
    channel.handle<DigestQuestion, string>(DIGEST, (question) => this.of(question));
  }

  /** @throws model_unavailable when a file cannot be read */
  async of({ files, resultSettings }: DigestQuestion): Promise<string> {
    const paths = pathsOf(files);
    const { text } = await stampOf(paths);
    const key = JSON.stringify([text, files, resultSettings]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    if (this.known.size >= MAX_DIGESTS) this.known.clear();
    const digest = contentDigest(files, resultSettings);
    this.known.set(key, digest);
    try {
      const result = await digest;
      // What was read has to be what the stamp names, and what is written later has to show in it.
      if ((await settledStampOf(paths))?.text !== text) this.known.delete(key);
      return result;
    } catch (error) {
      this.known.delete(key);
      throw error;
    }
  }
}
