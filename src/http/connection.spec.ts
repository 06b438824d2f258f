import { type EventEmitter, once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Connection } from './connection';
import { nativeErrorBody } from './errors/error-body';
import { Exchange, type ExchangeContext } from './exchange';
import { allowHalfOpen } from './node/half-open';
import { UnbufferedRequest } from './node/unbuffered-request';

const context: ExchangeContext = {
  commonHeaders: () => [],
  finished: () => undefined,
  addressOf: () => undefined,
  draining: () => false,
  responseTimeoutMs: 1000,
};
const GET = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how?: { type: 'minor' }) => void;

/** The listeners on all that belongs to one request. */
function listenersOn(req: IncomingMessage, res: ServerResponse): Record<string, number>[] {
  return [req, res, req.socket].map((emitter: EventEmitter) =>
    Object.fromEntries(emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)])),
  );
}

describe('Connection', () => {
  let answer: RequestListener;
  const server = createServer({ IncomingMessage: UnbufferedRequest }, (req, res) => answer(req, res));
  allowHalfOpen(server);
  const open = (): Socket => connect((server.address() as AddressInfo).port, '127.0.0.1');
  const exchangeOf = (req: IncomingMessage, res: ServerResponse): Exchange =>
    new Exchange(req, res, 'id-1', '/x', context, nativeErrorBody);

  beforeAll(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Sends `count` requests on one connection, each after the answer to the one before. */
  async function send(count: number): Promise<void> {
    const socket = open();
    for (let i = 0; i < count; i++) {
      socket.write(GET);
      await once(socket, 'data');
    }
    socket.destroy();
  }

  it('listens to the socket of a connection once, and to nothing for a request', async () => {
    const seen: Record<string, number>[][] = [];
    answer = (req, res) => {
      seen.push(listenersOn(req, res));
      res.end('{}');
    };
    await send(2);
    const [, byNode] = seen.splice(0);
    answer = (req, res) => {
      const exchange = exchangeOf(req, res);
      const listener = { handleEvent: () => undefined };
      exchange.addEventListener('abort', listener);
      seen.push(listenersOn(req, res));
      exchange.removeEventListener('abort', listener);
      exchange.sendJson(200, {});
    };
    await send(3);
    const [req, res, socket] = byNode!;
    expect(seen).toEqual(
      Array(3).fill([req, res, { ...socket, close: socket!.close! + 1, end: socket!.end! + 1 }]),
    );
  });

  it('leaves nothing of a request behind that only a full collection would find', async () => {
    // What each request has in hand: large enough to be told from all that Node makes of it.
    const HELD = 64 * 1024;
    answer = (req, res) => {
      const exchange = exchangeOf(req, res);
      const held = Array<number>(HELD / 8).fill(0.5);
      const listener = { handleEvent: () => void held.fill(1) };
      exchange.addEventListener('abort', listener);
      setImmediate(() => {
        exchange.removeEventListener('abort', listener);
        exchange.sendJson(200, {});
      });
    };
    const survivors = async (requests: number): Promise<number> => {
      collect();
      const before = process.memoryUsage().heapUsed;
      for (let sent = 0; sent < requests; sent += 10) {
        await send(10);
        collect({ type: 'minor' });
      }
      collect({ type: 'minor' });
      return process.memoryUsage().heapUsed - before;
    };
    await survivors(50);
    // What requests leave they leave each time; what else the process does in one of these moments it does once.
    let least = Infinity;
    for (let time = 0; time < 5; time++) least = Math.min(least, await survivors(200));
    expect(least).toBeLessThan((200 * HELD) / 10);
  });

  it('tells all that is in hand when the client leaves, and no one that was answered', async () => {
    const exchanges: Exchange[] = [];
    const told: string[] = [];
    let allThere!: () => void;
    const there = new Promise<void>((resolve) => (allThere = resolve));
    answer = (req, res) => {
      const exchange = exchangeOf(req, res);
      const index = exchanges.push(exchange) - 1;
      const parts = [0, 1].map((part) => ({ handleEvent: () => told.push(`${index}.${part}`) }));
      for (const part of parts) exchange.addEventListener('abort', part);
      if (index === 2) exchange.removeEventListener('abort', parts[0]!);
      if (index === 0) exchange.sendJson(200, {});
      if (index === 3) allThere();
    };
    const socket = open();
    socket.write(GET.repeat(4));
    await there;
    const { connection } = exchanges[0]!;
    expect(exchanges.map((exchange) => exchange.connection === connection)).toEqual(Array(4).fill(true));
    const closed = new Promise((resolve) => exchanges[0]!.req.socket.once('close', resolve));
    socket.destroy();
    await closed;
    expect(told).toEqual(['1.0', '1.1', '2.1', '3.0', '3.1']);
    expect(exchanges.map((exchange) => exchange.aborted)).toEqual(Array(4).fill(true));
  });

  it('is told apart by its socket', async () => {
    const connections: Connection[] = [];
    answer = (req, res) => {
      connections.push(Connection.of(req.socket));
      res.end('{}');
    };
    await send(2);
    await send(1);
    expect(connections[1]).toBe(connections[0]);
    expect(connections[2]).not.toBe(connections[0]);
  });

  it('asks who sends no more whether it is there, and goes on to answer it', async () => {
    const exchanges: Exchange[] = [];
    answer = (req, res) => void exchanges.push(exchangeOf(req, res));
    const socket = open();
    socket.end(GET);
    let text = '';
    for await (const piece of socket) {
      text += (piece as Buffer).toString();
      if (text.includes('100 Continue')) exchanges[0]!.sendJson(200, { there: true });
    }
    expect(exchanges[0]!.aborted).toBe(true);
    expect(text).toMatch(/^(HTTP\/1.1 100 Continue\r\n\r\n)+HTTP\/1.1 200 OK[^]*\{"there":true\}$/);
  });

  it('finds out that a client left altogether which had sent to its end', async () => {
    const left = new Promise<Exchange>((resolve) => {
      answer = (req, res) => {
        const exchange = exchangeOf(req, res);
        exchange.addEventListener('abort', { handleEvent: () => resolve(exchange) });
      };
    });
    const socket = open();
    socket.end(GET, () => socket.destroy());
    expect((await left).aborted).toBe(true);
  });
});
