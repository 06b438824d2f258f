import { createHash } from 'node:crypto';
import { get } from './get';
import type { Source, SourceModel } from './source';

/** One model file at a web address, held to its SHA-256. */
export class WebFileSource implements Source {
  constructor(
    readonly label: string,
    private readonly url: URL,
    private readonly sha256: string,
    private readonly own: string,
  ) {}

  list(): Promise<SourceModel[]> {
    // A query may be a signature that ends, which makes it no other file.
    const place = createHash('sha256')
      .update(this.url.origin + this.url.pathname)
      .digest('hex');
    const file = {
      path: '1/model.onnx',
      sizeBytes: undefined,
      identity: `${place} ${this.sha256}`,
      sha256: this.sha256,
      open: (offset: number, signal: AbortSignal) =>
        get(this.url, offset > 0 ? { range: `bytes=${offset}-` } : {}, signal),
    };
    return Promise.resolve([{ name: this.own, files: [file] }]);
  }
}
