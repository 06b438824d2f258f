import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { DomainError } from '../errors/domain-error';
import { nativeErrorBody } from './errors/error-body';
import { Exchange, type ExchangeContext } from './exchange';

/** A server whose only answer is what `answer` makes of an exchange. */
class Stage implements ExchangeContext {
  readonly log: [status: number, bytesOut: number][] = [];
  isDraining = false;
  answer: (exchange: Exchange) => void = (exchange) => exchange.sendJson(200, {});
  private readonly server: Server = createServer((req, res) => {
    this.answer(new Exchange(req, res, 'id-1', '/x', this, nativeErrorBody));
  });

  async open(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  keepFor(ms: number): void {
    this.server.keepAliveTimeout = ms;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  fetch(init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}/x`, init);
  }

  /** Sends these bytes; resolves with what came back when the server has closed the connection. */
  async raw(bytes: string): Promise<string> {
    const socket = connect(this.port, '127.0.0.1');
    socket.write(bytes);
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString())).on('error', () => undefined);
    await once(socket, 'close');
    return text;
  }

  commonHeaders(): readonly string[] {
    return ['x-common', 'yes'];
  }

  addressOf(): undefined {
    return undefined;
  }

  finished(_exchange: Exchange, status: number, bytesOut: number): void {
    this.log.push([status, bytesOut]);
  }

  readonly responseTimeoutMs = 1000;

  draining(): boolean {
    return this.isDraining;
  }
}

describe('Exchange', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
  });
  afterEach(() => stage.close());

  it('sends the parts of an answer with their length, its id and the headers of all', async () => {
    stage.answer = (exchange) =>
      exchange.send(201, ['x-own', '1'], [Buffer.from('grüß'), Buffer.from(' dich')]);
    const answer = await stage.fetch();
    expect([answer.status, await answer.text()]).toEqual([201, 'grüß dich']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-own': '1',
      'x-common': 'yes',
      'x-request-id': 'id-1',
      'content-length': '11',
      connection: 'keep-alive',
    });
    expect(stage.log).toEqual([[201, 11]]);
  });

  it.each([75_000, 0])(
    'writes the head of a small answer as Node would, with idle connections kept for %i ms',
    async (ms) => {
      const request =
        'GET /x HTTP/1.1\r\nhost: a\r\n\r\nGET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
      const headsOf = async (): Promise<string[][]> => {
        const text = await stage.raw(request);
        return text
          .split(/(?=HTTP)/)
          .map((answer) =>
            answer
              .replace(
                /^date:.*$/im,
                `date: ${/^date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/im.test(answer)}`,
              )
              .split('\r\n'),
          );
      };
      stage.keepFor(ms);
      stage.answer = ({ res }) => {
        res.writeHead(201, ['x-own', '1', 'x-request-id', 'id-1', 'x-common', 'yes', 'content-length', '2']);
        res.end('{}');
      };
      const byNode = await headsOf();
      stage.answer = (exchange) => exchange.send(201, ['x-own', '1'], [Buffer.from('{}')]);
      const whole = await headsOf();
      expect(whole.map((lines) => lines.map((line) => line.toLowerCase()))).toEqual(
        byNode.map((lines) => lines.map((line) => line.toLowerCase())),
      );
      expect(whole[0]).toContain('date: true');
    },
  );

  it('answers requests that were sent ahead in their order, whichever is ready first', async () => {
    const waiting: Exchange[] = [];
    stage.answer = (exchange) => {
      waiting.push(exchange);
      if (waiting.length < 3) return;
      waiting[2]!.sendJson(200, { third: true });
      waiting[0]!.sendJson(200, { first: true });
      waiting[1]!.sendJson(200, { second: true });
    };
    const get = 'GET /x HTTP/1.1\r\nhost: a\r\n';
    const text = await stage.raw(`${get}\r\n${get}\r\n${get}connection: close\r\n\r\n`);
    expect(text.match(/\{.*?\}/g)).toEqual(['{"first":true}', '{"second":true}', '{"third":true}']);
  });

  it('answers once, whatever is tried afterwards', async () => {
    stage.answer = (exchange) => {
      exchange.sendJson(200, { first: true });
      exchange.sendJson(200, { second: true });
      exchange.fail(new Error('late'));
    };
    expect(await (await stage.fetch()).json()).toEqual({ first: true });
    expect(stage.log).toHaveLength(1);
  });

  it('leaves the body away for HEAD, and the length for 204', async () => {
    const head = await stage.fetch({ method: 'HEAD' });
    expect([await head.text(), head.headers.get('content-length')]).toEqual(['', '2']);
    stage.answer = (exchange) => exchange.send(204, [], []);
    expect((await stage.fetch()).headers.has('content-length')).toBe(false);
  });

  it('words errors, and says when to come back', async () => {
    stage.answer = (exchange) =>
      void exchange.fail(new DomainError('overloaded', 'Too much.', { retryAfterSeconds: 3 }));
    const answer = await stage.fetch();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '3']);
    expect(await answer.json()).toEqual({
      statusCode: 503,
      code: 'overloaded',
      message: 'Too much.',
      requestId: 'id-1',
    });
  });

  it('tells nobody outside what a foreign error says', async () => {
    stage.answer = (exchange) => void exchange.fail(new Error('cannot open /secret/path'));
    const text = await (await stage.fetch()).text();
    expect(text).toContain('"code":"internal_error"');
    expect(text).not.toContain('secret');
  });

  it('asks for the connection to be closed while the server is on its way out', async () => {
    stage.isDraining = true;
    expect((await stage.fetch()).headers.get('connection')).toBe('close');
  });

  it('answers in full before it closes on a client that goes on sending', async () => {
    stage.answer = (exchange) => void exchange.fail(new DomainError('body_too_large', 'Too large.'));
    const head = 'POST /x HTTP/1.1\r\nhost: a\r\n';
    const declared = await stage.raw(`${head}content-length: 9000000\r\n\r\n${'x'.repeat(300_000)}`);
    expect(declared).toMatch(/^HTTP\/1.1 413 [^]*connection: close[^]*"message":"Too large."/);
    const chunked = await stage.raw(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`);
    expect(chunked).toMatch(/^HTTP\/1.1 413 [^]*connection: close/);
  });

  it('keeps the connection where little is left to read', async () => {
    stage.answer = (exchange) => void exchange.fail(new DomainError('not_acceptable', 'No.'));
    const answer = await stage.fetch({ method: 'POST', body: 'x'.repeat(1000) });
    expect(answer.headers.get('connection')).toBe('keep-alive');
  });

  it('tells of a client that left before its answer', async () => {
    const left = new Promise<Exchange>((resolve) => {
      stage.answer = (exchange) =>
        exchange.addEventListener('abort', { handleEvent: () => resolve(exchange) });
    });
    const socket = connect(stage.port, '127.0.0.1');
    socket.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n', () => socket.destroy());
    const exchange = await left;
    expect(exchange.aborted).toBe(true);
    exchange.sendJson(200, {});
    expect(stage.log).toHaveLength(1);
  });
});
