import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** How a call is answered: a status and a body, or whatever the function does with the response. */
export type Behaviour = (res: ServerResponse, request: SeenRequest) => void;

/** Answers with JSON. */
export function json(value: unknown, status = 200, headers: Record<string, string> = {}): Behaviour {
  return (res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
}

/** What the model of `RemoteServer` takes and gives. */
export const METADATA = {
  name: 'm',
  versions: ['1'],
  platform: 'test',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
};

/** An answer of the model for so many rows. */
export function goodAnswer(rows = 1, first = 0): object {
  const data = Array.from({ length: rows * 2 }, (_, i) => first + i);
  return {
    model_name: 'm',
    model_version: '1',
    outputs: [{ name: 'y', datatype: 'FP32', shape: [rows, 2], data }],
  };
}

/** A real HTTP server that speaks enough of the Open Inference Protocol, and misbehaves on `infer` as it is told. */
export class RemoteServer {
  readonly seen: SeenRequest[] = [];
  infer: Behaviour = json(goodAnswer());
  ready: Behaviour = json({});
  extensions: string[] = [];
  metadata: unknown = METADATA;
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  static async start(port = 0): Promise<RemoteServer> {
    const server = createServer();
    const remote = new RemoteServer(server);
    server.on('request', ((req, res) => void remote.handle(req, res)) as RequestListener);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return remote;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.sockets.size;
  }

  /** The calls of the model, without questions about it. */
  get calls(): SeenRequest[] {
    return this.seen.filter(({ method }) => method === 'POST');
  }

  /** Closes it with all its connections, as a process that is killed does. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.resetAndDestroy();
    await closed;
  }

  private async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    res.on('error', () => undefined);
    try {
      for await (const chunk of req) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const { method = '', url = '', headers } = req;
    const request = { method, path: url, headers, body: Buffer.concat(chunks) };
    this.seen.push(request);
    if (method === 'POST') this.infer(res, request);
    else if (url.endsWith('/ready')) this.ready(res, request);
    else if (url.endsWith('/v2'))
      json({ name: 'test', version: '0', extensions: this.extensions })(res, request);
    else json(this.metadata)(res, request);
  }
}

const POLL_MS = 5;

/** Waits for what other processes and sockets bring about. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

/**
 * A port that takes no connection and refuses none: a listener that never accepts, its queue full.
 * @returns its URL, and what ends it
 */
export async function blackHole(): Promise<{ url: string; close(): Promise<void> }> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen(0, '127.0.0.1', 1, () => {
       parentPort.postMessage(server.address().port);
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const plugs: Socket[] = [];
  // Those that the system takes into the queue connect at once; the first that does not shows that it is full.
  for (let full = false; !full;) {
    const plug = connect(port, '127.0.0.1').on('error', () => undefined);
    plugs.push(plug);
    full = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(true), 200);
      plug.once('connect', () => {
        clearTimeout(timer);
        resolve(false);
      });
    });
  }
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      for (const plug of plugs) plug.destroy();
      await worker.terminate();
    },
  };
}
