import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Figures, figuresOf } from './figures';

/** One request, sent again and again. */
export interface LoadRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface LoadOptions {
  readonly connections: number;
  /** Of measuring, after a little warming up. */
  readonly seconds: number;
  readonly signal: AbortSignal;
}

const WARM_UP_MS = 300;
/** After the end of the measurement, how long answers may still be on their way. */
const LAST_ANSWERS_MS = 10_000;
const HEAD_END = '\r\n\r\n';
const MOST_HEAD_BYTES = 64 * 1024;

/**
 * Sends a request over so many connections, on each the next one when the last is answered. A bare client on sockets: it
 * shares the machine with the server, so it must cost little.
 * @throws AbortError when the signal says so
 */
export async function load(
  request: LoadRequest,
  { connections, seconds, signal }: LoadOptions,
): Promise<Figures> {
  signal.throwIfAborted();
  const beginMs = performance.now() + WARM_UP_MS;
  const endMs = beginMs + seconds * 1000;
  const bytes = bytesOf(request);
  const clients = Array.from({ length: connections }, () => new Client(request.url, bytes, beginMs, endMs));
  const stop = (): void => clients.forEach((client) => client.stop());
  const timer = setTimeout(stop, WARM_UP_MS + seconds * 1000 + LAST_ANSWERS_MS);
  signal.addEventListener('abort', stop);
  try {
    await Promise.all(clients.map((client) => client.finished));
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  const failed = new Map<string, number>();
  for (const client of clients)
    for (const [why, count] of client.failed) failed.set(why, (failed.get(why) ?? 0) + count);
  return figuresOf(
    clients.flatMap(({ latenciesMs }) => latenciesMs),
    seconds,
    failed,
  );
}

function bytesOf({ url, headers, body }: LoadRequest): Buffer {
  const fields = Object.entries({ host: url.host, ...headers, 'content-length': String(body.length) });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines}\r\n`), body]);
}

/** One connection. */
class Client {
  /** Of calls that were answered well within the time that counts. */
  readonly latenciesMs: number[] = [];
  /** How many were not, by status or by what became of the connection. */
  readonly failed = new Map<string, number>();
  readonly finished: Promise<void>;
  private finish: () => void = () => undefined;
  private socket: Socket | undefined;
  private sentMs = 0;
  private waits = false;
  private ended = false;
  /** Of an answer of which the head is not whole yet. */
  private head = '';
  private status = 0;
  /** Bytes of the body that are still to come; undefined: in the head. */
  private missing: number | undefined;

  constructor(
    private readonly url: URL,
    private readonly request: Buffer,
    private readonly beginMs: number,
    private readonly endMs: number,
  ) {
    this.finished = new Promise((resolve) => (this.finish = resolve));
    this.open();
  }

  stop(): void {
    if (this.ended) return;
    if (this.waits) this.count('no answer');
    this.end();
  }

  private open(): void {
    const { hostname, port, protocol } = this.url;
    const host = hostname.replace(/^\[|\]$/g, '');
    const isTls = protocol === 'https:';
    const at = { host, port: Number(port || (isTls ? 443 : 80)) };
    const socket = isTls ? connectTls({ ...at, servername: host }) : connectPlain(at);
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on(isTls ? 'secureConnect' : 'connect', () => this.send());
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => this.closed(socket));
  }

  private send(): void {
    this.sentMs = performance.now();
    this.waits = true;
    this.head = '';
    this.missing = undefined;
    this.socket?.write(this.request);
  }

  private read(chunk: Buffer): void {
    if (this.missing === undefined) {
      const before = this.head.length;
      this.head += chunk.toString('latin1');
      const end = this.head.indexOf(HEAD_END);
      if (end === -1 && this.head.length <= MOST_HEAD_BYTES) return;
      const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(this.head.slice(0, end + 2))?.[1];
      if (end === -1 || length === undefined) {
        this.count('an answer without a length');
        this.end();
        return;
      }
      this.status = Number(this.head.slice(9, 12));
      this.missing = Number(length) - (before + chunk.length - end - HEAD_END.length);
    } else {
      this.missing -= chunk.length;
    }
    if (this.missing <= 0) this.answered();
  }

  private answered(): void {
    const nowMs = performance.now();
    this.waits = false;
    if (nowMs >= this.beginMs && nowMs <= this.endMs) {
      if (this.status === 200) this.latenciesMs.push(nowMs - this.sentMs);
      else this.count(`status ${this.status}`);
    }
    if (nowMs >= this.endMs) this.end();
    else this.send();
  }

  private closed(socket: Socket): void {
    if (this.ended || socket !== this.socket) return;
    const nowMs = performance.now();
    if (this.waits) this.count('the connection broke');
    this.waits = false;
    if (nowMs >= this.endMs) return this.end();
    // A server that is gone is not to be asked as fast as it refuses.
    setTimeout(() => (this.ended ? undefined : this.open()), 50);
  }

  private count(why: string): void {
    this.failed.set(why, (this.failed.get(why) ?? 0) + 1);
  }

  private end(): void {
    this.ended = true;
    this.socket?.destroy();
    this.finish();
  }
}
