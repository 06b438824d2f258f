import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { closeGracefully } from './graceful-close';

const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

describe('closing a server', () => {
  let server: Server;
  let answer: (res: ServerResponse) => void;
  beforeEach(async () => {
    answer = (res) => res.end('done');
    server = createServer({ keepAliveTimeout: 60_000 }, (_, res) => answer(res));
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterEach(() => server.closeAllConnections());

  async function client(): Promise<Socket> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }

  /** What comes next on the connection. */
  async function next(socket: Socket): Promise<string> {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return chunk.toString();
  }

  it('waits for the answers that are under way', async () => {
    const arrived = new Promise<ServerResponse>((resolve) => (answer = resolve));
    const socket = await client();
    socket.write(REQUEST);
    const res = await arrived;
    let closed = false;
    const closing = closeGracefully(server).then(() => (closed = true));
    // As the front door has every answer say by then.
    res.setHeader('connection', 'close');
    expect(closed).toBe(false);
    res.end('late');
    expect(await next(socket)).toMatch(/^HTTP\/1\.1 200[^]*late/);
    await closing;
  });

  it('takes a request that was on its way on a connection that was idle', async () => {
    const socket = await client();
    socket.write(REQUEST);
    await next(socket);
    const closing = closeGracefully(server);
    socket.write(REQUEST);
    expect(await next(socket)).toMatch(/^HTTP\/1\.1 200/);
    await closing;
  });

  it('takes a request that had come on an idle connection before the event loop had time to read it', async () => {
    const written = new Int32Array(new SharedArrayBuffer(4));
    const other = new Worker(
      `const { port, written, request } = require('node:worker_threads').workerData;
       const { parentPort } = require('node:worker_threads');
       const socket = require('node:net').connect(port, '127.0.0.1');
       let answers = 0;
       socket.on('data', () => {
         if (++answers > 1) return socket.destroy();
         socket.write(request);
         Atomics.store(written, 0, 1);
         Atomics.notify(written, 0);
       });
       socket.on('error', () => undefined);
       socket.on('close', () => parentPort.postMessage(answers));
       socket.write(request);`,
      { eval: true, workerData: { ...(server.address() as object), written, request: REQUEST } },
    );
    const answers = once(other, 'message');
    const arrived = new Promise<ServerResponse>((resolve) => (answer = resolve));
    const first = await arrived;
    answer = (res) => res.end('second');
    const idle = await client();
    idle.write(REQUEST);
    await next(idle);
    const closing = closeGracefully(server);
    // From here on idle connections are looked for again and again.
    await once(idle.resume(), 'close');
    first.end('first');
    Atomics.wait(written, 0, 0);
    // The time for the next look comes before what was written is read.
    const startMs = performance.now();
    while (performance.now() - startMs < 200);
    expect(await answers).toEqual([2]);
    await Promise.all([closing, other.terminate()]);
  });

  it('lets nobody new in, and closes on those who keep their connection and say nothing', async () => {
    const { port } = server.address() as AddressInfo;
    const idle = await client();
    idle.write(REQUEST);
    await next(idle);
    const gone = once(idle, 'close');
    const closing = closeGracefully(server);
    while (server.listening) await new Promise(setImmediate);
    const late = connect(port, '127.0.0.1');
    await expect(once(late, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await Promise.all([closing, gone]);
  });
});
