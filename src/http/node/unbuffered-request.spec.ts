import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { readBody } from '../body/body-reader';
import { UnbufferedRequest } from './unbuffered-request';

const LIMIT = 200_000;

/** A server that answers each request with what its body was, or why it was not read. */
class Stage {
  readonly requests: IncomingMessage[] = [];
  respond = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const read = await readBody(req, LIMIT).then(
      (body) => `${body.length} ${body.subarray(0, 20).toString()}`,
      (error: unknown) => (error as { code: string }).code,
    );
    res.end(read);
  };
  private readonly server = createServer({ IncomingMessage: UnbufferedRequest }, (req, res) => {
    this.requests.push(req);
    void this.respond(req, res);
  });

  async open(): Promise<void> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }

  connect(): Socket {
    return connect((this.server.address() as AddressInfo).port, '127.0.0.1');
  }

  async post(body: string | ReadableStream): Promise<string> {
    const { port } = this.server.address() as AddressInfo;
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
    return (await fetch(`http://127.0.0.1:${port}/`, init)).text();
  }
}

/** Collects what comes until it holds `count` answers. */
async function answers(socket: Socket, count: number): Promise<string[]> {
  let text = '';
  for await (const chunk of socket) {
    text += (chunk as Buffer).toString('latin1');
    const bodies = text
      .split('HTTP/1.1 200 OK')
      .slice(1)
      .map((answer) => answer.split('\r\n\r\n')[1] ?? '');
    if (bodies.length === count && bodies.every((body) => body !== '')) return bodies;
  }
  throw new Error(`closed after ${JSON.stringify(text)}`);
}

describe('UnbufferedRequest', () => {
  let stage: Stage;
  beforeEach(async () => {
    stage = new Stage();
    await stage.open();
  });
  afterEach(() => stage.close());

  it('brings bodies of one piece and of many, declared and not', async () => {
    expect(await stage.post('{"x":1}')).toBe('7 {"x":1}');
    expect((stage.requests[0] as UnbufferedRequest).bodyTaken).toBe(true);
    expect(await stage.post('')).toBe('0 ');
    expect(await stage.post('y'.repeat(180_000))).toBe(`180000 ${'y'.repeat(20)}`);
    const chunked = new ReadableStream({
      start(controller) {
        for (const part of ['a', 'b'.repeat(90_000), 'c']) controller.enqueue(Buffer.from(part));
        controller.close();
      },
    });
    expect(await stage.post(chunked)).toBe(`90002 a${'b'.repeat(19)}`);
  });

  it('tells the requests on one connection apart, also those sent ahead', async () => {
    const socket = stage.connect();
    const request = (body: string): string =>
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    socket.write(request('one') + request('second') + request('3'));
    expect((await answers(socket, 3)).map((body) => body.replace(/^[0-9a-f]+\r\n/, ''))).toEqual([
      expect.stringContaining('3 one'),
      expect.stringContaining('6 second'),
      expect.stringContaining('1 3'),
    ]);
  });

  it('goes on to the next request after a body that nobody read, or that grew too large', async () => {
    const socket = stage.connect();
    const { respond } = stage;
    stage.respond = (req, res) =>
      req.url === '/unread' ? Promise.resolve(void res.end('unread')) : respond(req, res);
    socket.write(`POST /unread HTTP/1.1\r\nhost: a\r\ncontent-length: 150000\r\n\r\n${'x'.repeat(150_000)}`);
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`);
    const chunk = `c350\r\n${'x'.repeat(50_000)}\r\n`;
    socket.write(chunk.repeat(5));
    socket.write(`0\r\n\r\nPOST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nlast`);
    const [unread, tooLarge, last] = await answers(socket, 3);
    expect([unread, tooLarge, last]).toEqual([
      expect.stringContaining('unread'),
      expect.stringContaining('body_too_large'),
      expect.stringContaining('4 last'),
    ]);
  });

  it('tells of a client that leaves in the middle of its body', async () => {
    const { respond } = stage;
    const left = new Promise<string>((resolve) => {
      stage.respond = async (req) => {
        await readBody(req, LIMIT).catch((error: unknown) => resolve((error as { code: string }).code));
      };
    });
    const socket = stage.connect();
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345', () => socket.destroy());
    expect(await left).toBe('client_closed_request');
    stage.respond = respond;
    expect(await stage.post('on')).toBe('2 on');
  });

  it('is a stream like any other for whoever wants one', async () => {
    stage.respond = async (req, res) => {
      let text = '';
      for await (const piece of req) text += (piece as Buffer).toString();
      res.end(text);
    };
    expect(await stage.post('as a stream')).toBe('as a stream');
    expect((stage.requests[0] as UnbufferedRequest).bodyTaken).toBe(false);
    expect(
      (stage.requests[0] as UnbufferedRequest).takeBody({ onPiece() {}, onEnd() {}, onLeave() {} }),
    ).toBe(false);
  });
});
