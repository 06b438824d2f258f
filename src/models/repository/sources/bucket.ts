import type { IncomingMessage } from 'node:http';
import { AwsV4Signer } from 'aws4fetch';
import type { Credentials } from './credentials';
import { get, getText } from './get';
import {
  MAX_FILES,
  type Source,
  type SourceFile,
  type SourceModel,
  SourceFault,
  modelsOf,
  placeOf,
} from './source';

/** How the files of a bucket are reached. */
export interface BucketAccess {
  /** Without a slash at its end; the bucket follows it, or is its first label where `{bucket}` stands in it. */
  readonly endpoint: string;
  readonly region: string;
  credentials(signal: AbortSignal): Promise<Credentials | undefined>;
}

/**
 * Models under a prefix of a bucket, by the calls of S3 that others have as well: ListObjectsV2 and GetObject, signed by
 * version 4 (https://docs.aws.amazon.com/AmazonS3/latest/API), with a bearer token, or not at all.
 */
export class BucketSource implements Source {
  constructor(
    readonly label: string,
    private readonly bucket: string,
    /** Without slashes at its ends; empty: the whole bucket. */
    private readonly prefix: string,
    private readonly own: string,
    private readonly access: BucketAccess,
  ) {}

  async list(signal: AbortSignal): Promise<SourceModel[]> {
    const under = this.prefix === '' ? '' : `${this.prefix}/`;
    const files: SourceFile[] = [];
    let token: string | undefined;
    do {
      const url = this.urlOf('');
      url.searchParams.set('list-type', '2');
      url.searchParams.set('encoding-type', 'url');
      url.searchParams.set('prefix', under);
      if (token !== undefined) url.searchParams.set('continuation-token', token);
      const { text } = await getText(url, await this.headersFor(url, {}, signal), signal);
      for (const [, object = ''] of text.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)) {
        const key = decodeURIComponent((valueOf(object, 'Key') ?? '').replaceAll('+', ' '));
        const file = this.fileOf(key, under, object);
        if (file !== undefined) files.push(file);
      }
      if (files.length > MAX_FILES) throw new SourceFault(`has more than ${MAX_FILES} files`);
      token = valueOf(text, 'IsTruncated') === 'true' ? valueOf(text, 'NextContinuationToken') : undefined;
    } while (token !== undefined);
    if (files.length === 0) throw new SourceFault('has no file');
    return modelsOf(files, this.own);
  }

  private fileOf(key: string, under: string, object: string): SourceFile | undefined {
    if (!key.startsWith(under)) return undefined;
    const path = placeOf(key.slice(under.length));
    if (path === undefined) return undefined;
    const tag = (valueOf(object, 'ETag') ?? '').replaceAll(/"/g, '');
    return {
      path,
      sizeBytes: Number(valueOf(object, 'Size')),
      identity: `${tag} ${valueOf(object, 'Size')}`,
      // An ETag is the MD5 of some objects, and of others not; the length, If-Match and TLS hold here.
      sha256: undefined,
      open: (offset, signal) => this.open(key, tag, offset, signal),
    };
  }

  private async open(
    key: string,
    tag: string,
    offset: number,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = this.urlOf(key);
    // An object that was put anew in between is none of this listing.
    const headers: Record<string, string> = { 'if-match': `"${tag}"` };
    if (offset > 0) headers.range = `bytes=${offset}-`;
    return get(url, await this.headersFor(url, headers, signal), signal);
  }

  private urlOf(key: string): URL {
    const { endpoint } = this.access;
    const root = endpoint.includes('{bucket}')
      ? endpoint.replace('{bucket}', this.bucket)
      : `${endpoint}/${encodeURIComponent(this.bucket)}`;
    return new URL(`${root}/${key.split('/').map(encodeURIComponent).join('/')}`);
  }

  private async headersFor(
    url: URL,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const credentials = await this.access.credentials(signal);
    if (credentials === undefined) return headers;
    if ('token' in credentials) return { ...headers, authorization: `Bearer ${credentials.token}` };
    const signer = new AwsV4Signer({
      url: url.href,
      headers,
      ...credentials,
      service: 's3',
      region: this.access.region,
    });
    return Object.fromEntries((await signer.sign()).headers.entries());
  }
}

/** The text of the first element of this name, which holds no others. */
function valueOf(xml: string, name: string): string | undefined {
  const value = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  return value?.replaceAll('&quot;', '"').replaceAll('&#34;', '"').replaceAll('&amp;', '&');
}
