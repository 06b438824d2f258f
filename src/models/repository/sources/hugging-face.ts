import type { Variables } from './credentials';
import { get, getText } from './get';
import { MAX_FILES, type Source, type SourceFile, SourceFault, type SourceModel, placeOf } from './source';

/** What a folder as Hugging Face has it is read for; of the rest, such as weights of other kinds, nothing is fetched. */
const WANTED =
  /^(?:(?:onnx\/)?model\.onnx(?:[._]data)?|model\.yaml|(?:1_Pooling\/)?[a-z_]+\.json|vocab\.txt)$/;

interface Entry {
  type: string;
  path: string;
  size: number;
  oid: string;
  lfs?: { oid: string };
}

/**
 * A repository of Hugging Face at a revision, by the calls of its hub: the tree of a commit, and `resolve` for a file.
 * A revision that moves, such as `main`, is made a commit first, so that all files are of one.
 */
export class HuggingFaceSource implements Source {
  private readonly headers: Record<string, string>;
  private readonly endpoint: string;

  constructor(
    readonly label: string,
    /** `org/repository` */
    private readonly repository: string,
    private readonly revision: string,
    private readonly own: string,
    env: Variables,
  ) {
    this.endpoint = (env.HF_ENDPOINT ?? 'https://huggingface.co').replace(/\/+$/, '');
    this.headers = env.HF_TOKEN ? { authorization: `Bearer ${env.HF_TOKEN}` } : {};
  }

  async list(signal: AbortSignal): Promise<SourceModel[]> {
    const api = `${this.endpoint}/api/models/${this.repository}`;
    const revision = encodeURIComponent(this.revision);
    const { sha } = await this.json<{ sha: string }>(`${api}/revision/${revision}`, signal);
    const entries = await this.json<Entry[]>(`${api}/tree/${sha}?recursive=true`, signal);
    if (entries.length > MAX_FILES) throw new SourceFault(`has more than ${MAX_FILES} files`);
    const files = entries
      .filter(({ type, path }) => type === 'file' && WANTED.test(path))
      .map((entry) => this.fileOf(entry, sha));
    if (!files.some(({ path }) => path.endsWith('model.onnx'))) {
      throw new SourceFault('has neither model.onnx nor onnx/model.onnx; export it to ONNX first');
    }
    return [{ name: this.own, files }];
  }

  private fileOf({ path, size, oid, lfs }: Entry, sha: string): SourceFile {
    const url = new URL(`${this.endpoint}/${this.repository}/resolve/${sha}/${path}`);
    return {
      path: placeOf(path)!,
      sizeBytes: size,
      identity: lfs?.oid ?? oid,
      sha256: lfs?.oid,
      open: (offset, signal) => {
        const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
        return get(url, { ...this.headers, ...range }, signal);
      },
    };
  }

  private async json<T>(url: string, signal: AbortSignal): Promise<T> {
    const { text } = await getText(new URL(url), this.headers, signal);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new SourceFault(`${new URL(url).host} answers with something that is no JSON`);
    }
  }
}
