import { isIPv4 } from 'node:net';

/** What a request says of where it comes from. */
export interface Provenance {
  /** The `Host` header, or the authority of an absolute target. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly remoteAddress: string | undefined;
  /** Did it come through a proxy that says so? */
  readonly forwarded: boolean;
}

export interface LocalRuleOptions {
  /** The address that the server listens on. */
  readonly listenHost: string;
  /** Names besides those of this machine itself, in lower case. */
  readonly allowedHosts: readonly string[];
  /** `*` among them does not count here. */
  readonly corsOrigins: readonly string[];
}

const LOCAL_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const HOST = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i;

/** Who may change something where nobody has credentials: whoever sits at this machine, but no web page that is open on it. */
export class LocalRule {
  private readonly hosts: ReadonlySet<string>;
  private readonly origins: ReadonlySet<string>;
  private readonly onLoopback: boolean;

  constructor({ listenHost, allowedHosts, corsOrigins }: LocalRuleOptions) {
    this.hosts = new Set([...LOCAL_HOSTS, ...allowedHosts]);
    this.origins = new Set(corsOrigins);
    this.onLoopback = listenHost === 'localhost' || isLoopback(listenHost);
  }

  /**
   * Does the request name another server, while this one can be reached from its own machine alone? A page whose name
   * was made to lead here sends such requests. https://en.wikipedia.org/wiki/DNS_rebinding
   */
  isMisdirected(host: string | undefined): boolean {
    return this.onLoopback && host !== undefined && !this.knows(host);
  }

  /** What keeps a request from changing anything; undefined: nothing does. */
  refusal(request: Provenance): string | undefined {
    const { host, remoteAddress = '', forwarded } = request;
    if (!isLoopback(remoteAddress)) return 'it does not come from this machine';
    if (forwarded) return 'it comes through a proxy';
    if (host === undefined || !this.knows(host)) return 'its Host is none of this machine';
    return this.isForeign(request) ? 'it comes from a web page of another origin' : undefined;
  }

  /** Does it come from a page of another origin that is not allowed by name? A browser says so of all that changes anything. */
  isForeign({ origin, host }: Pick<Provenance, 'origin' | 'host'>): boolean {
    if (origin === undefined || this.origins.has(origin)) return false;
    // The server's own pages: the documentation.
    const own = host?.toLowerCase();
    return own === undefined || (origin !== `http://${own}` && origin !== `https://${own}`);
  }

  private knows(host: string): boolean {
    const name = HOST.exec(host)?.[1];
    return name !== undefined && this.hosts.has(name.toLowerCase());
  }
}

function isLoopback(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
