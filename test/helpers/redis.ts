import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createClient } from 'redis';
import { freePort } from './server';
import { until } from './until';

const HOST = '127.0.0.1';
const stops = new Set<() => unknown>();

// Whatever a spec did or failed at, nothing of this outlives it.
afterAll(async () => {
  for (const stop of stops) await stop();
});

/** A real Redis of one's own, without files. */
export class TestRedis {
  private process: ChildProcess | undefined;
  private stopThis: (() => unknown) | undefined;

  private constructor(
    private readonly program: string,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /** @param settings as on redis-server's command line: `--maxmemory`, `1mb` */
  static async start(program: string, ...settings: string[]): Promise<TestRedis> {
    const redis = new TestRedis(program, await freePort(), settings);
    await redis.begin();
    return redis;
  }

  get url(): string {
    return `redis://${HOST}:${this.port}`;
  }

  /** Starts it again, empty, where it was. */
  async begin(): Promise<void> {
    const port = ['--bind', HOST, '--port', String(this.port)];
    const files = ['--save', '', '--appendonly', 'no', '--dir', '/tmp'];
    const child = spawn(this.program, [...port, ...files, ...this.settings], { stdio: 'ignore' });
    this.process = child;
    this.stopThis = () => child.kill('SIGKILL');
    stops.add(this.stopThis);
    await until('Redis takes connections', () => reachable(this.port));
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    const { process } = this;
    if (process === undefined) return;
    this.process = undefined;
    const gone = once(process, 'exit');
    process.kill('SIGKILL');
    await gone;
    if (this.stopThis) stops.delete(this.stopThis);
  }

  /** It takes connections and answers nothing. */
  freeze(): void {
    this.process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.kill('SIGCONT');
  }

  /** What a command answers, by a connection that is not the server's. */
  async command(...args: string[]): Promise<unknown> {
    const client = createClient({ url: this.url });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await client.sendCommand(args);
    } finally {
      await client.disconnect();
    }
  }

  async keys(): Promise<string[]> {
    return (await this.command('KEYS', '*')) as string[];
  }
}

function reachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    const end = (is: boolean) => (): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', end(true));
    socket.once('error', end(false));
  });
}

/** A server on a port of its own, for what happens on the way to Redis. */
export class TestTcp {
  /** How long everything from the other side takes to get through, in milliseconds. */
  delayMs = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** Passes everything on. */
  static proxy(targetPort: number): Promise<TestTcp> {
    return TestTcp.listen((socket, tcp) => {
      const target = tcp.follow(connect(targetPort, HOST));
      socket.pipe(target);
      target.on('data', (chunk: Buffer) => setTimeout(() => socket.write(chunk), tcp.delayMs));
      target.once('close', () => socket.destroy());
      socket.once('close', () => target.destroy());
    });
  }

  /** Answers whatever comes with what it is given to say. */
  static talker(say: (request: Buffer) => Buffer | string | undefined): Promise<TestTcp> {
    return TestTcp.listen((socket) => {
      socket.on('data', (request: Buffer) => {
        const answer = say(request);
        if (answer === undefined) socket.destroy();
        else socket.write(answer);
      });
    });
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `redis://${HOST}:${this.port}`;
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** Breaks every connection, and takes new ones. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private static async listen(serve: (socket: Socket, tcp: TestTcp) => void): Promise<TestTcp> {
    const server = createServer((socket) => serve(tcp.follow(socket), tcp));
    const tcp = new TestTcp(server);
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    stops.add(() => tcp.close());
    return tcp;
  }

  private follow(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }
}
