import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** What a browser is sent for one path of the page. */
export interface PageFile {
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly etag: string;
}

const FOLDER = join(__dirname, '..', '..', 'site');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Nothing from elsewhere, nothing inline, and in nobody's frame. */
const SECURITY = [
  'content-security-policy',
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'referrer-policy',
  'no-referrer',
];

/** The page for people, as it is in `site/`: read once, a hundred kilobytes in all. */
export class Page {
  readonly index: PageFile;
  private readonly files: ReadonlyMap<string, PageFile>;

  /** @param apiPrefix such as `/api`, which the page's calls begin with */
  constructor(apiPrefix: string, folder = FOLDER) {
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    const meta = `<meta name="nestor-api" content="${apiPrefix.replace(/^\//, '')}" />`;
    this.index = pageFile(
      '.html',
      Buffer.from(html.replace('<meta name="nestor-api" content="api" />', meta)),
    );
    this.files = new Map(
      readdirSync(join(folder, 'ui')).map((name) => [
        `/ui/${name}`,
        pageFile(extname(name), readFileSync(join(folder, 'ui', name))),
      ]),
    );
  }

  file(path: string): PageFile | undefined {
    return this.files.get(path);
  }
}

function pageFile(extension: string, body: Buffer): PageFile {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const type = TYPES[extension] ?? 'application/octet-stream';
  // Asked for anew each time, and mostly answered by 304: a new version shows at once.
  return {
    headers: ['content-type', type, 'cache-control', 'no-cache', 'etag', etag, ...SECURITY],
    body,
    etag,
  };
}
