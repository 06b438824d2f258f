import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { readBody } from './body-reader';

const LIMIT = 200_000;

class Body extends PassThrough {
  readonly headers: Record<string, string>;

  constructor(declaredBytes?: number) {
    super();
    this.headers = declaredBytes === undefined ? {} : { 'content-length': String(declaredBytes) };
  }

  receive(limitBytes = LIMIT, hold?: (sizeBytes: number) => void): Promise<Buffer> {
    return readBody(this as unknown as IncomingMessage, limitBytes, { hold });
  }

  /** Sends the parts one after the other, as they come from a socket. */
  async bring(...parts: (string | Buffer)[]): Promise<this> {
    for (const part of parts) await new Promise((resolve) => this.write(part, resolve));
    return this;
  }
}

describe('readBody', () => {
  it('hands on a body of one piece as it came', async () => {
    const piece = Buffer.from('{"x":1}');
    const body = new Body(piece.length);
    const read = body.receive();
    (await body.bring(piece)).end();
    expect(await read).toBe(piece);
  });

  it.each<[string, number | undefined]>([
    ['declared', 9],
    ['unknown', undefined],
  ])('joins pieces of %s length', async (_, declared) => {
    const body = new Body(declared);
    const read = body.receive();
    (await body.bring('{"x"', ':[', '1]}')).end();
    expect((await read).toString()).toBe('{"x":[1]}');
  });

  it('answers that a body was read already, and awaits nothing', async () => {
    const body = new Body(2);
    const first = body.receive();
    (await body.bring('{}')).end();
    await first;
    await expect(body.receive()).rejects.toMatchObject({ code: 'internal_error' });
  });

  it('awaits nothing of a client that had left', async () => {
    const body = new Body(2);
    body.destroy();
    await expect(body.receive()).rejects.toMatchObject({ code: 'client_closed_request' });
  });

  it('grows with a body whose length nobody said', async () => {
    const part = Buffer.alloc(30_000, 7);
    const body = new Body();
    const read = body.receive();
    (await body.bring(part, part, part, part, part)).end();
    expect(await read).toEqual(Buffer.alloc(150_000, 7));
  });

  it('reads a body of nothing', async () => {
    const body = new Body();
    const read = body.receive();
    body.end();
    expect(await read).toHaveLength(0);
  });

  it('refuses at once a body that says it is too large', async () => {
    const body = new Body(LIMIT + 1);
    await expect(body.receive()).rejects.toMatchObject({ code: 'body_too_large' });
    expect(body.listenerCount('data')).toBe(0);
  });

  it('refuses a body that grows too large, and stops reading it', async () => {
    const body = new Body();
    const read = body.receive(10);
    void body.bring('12345', '123456');
    await expect(read).rejects.toMatchObject({ code: 'body_too_large' });
    expect(body.isPaused()).toBe(true);
  });

  it('is told when the client leaves in the middle', async () => {
    const body = new Body(10);
    const read = body.receive();
    await body.bring('12345');
    body.destroy();
    await expect(read).rejects.toMatchObject({ code: 'client_closed_request' });
  });

  it('asks before it takes memory, and takes none when that is refused', async () => {
    const held: number[] = [];
    const body = new Body(6);
    const read = body.receive(LIMIT, (sizeBytes) => held.push(sizeBytes));
    (await body.bring('123', '456')).end();
    expect((await read).toString()).toBe('123456');
    expect(held).toEqual([6]);

    const refuse = (): never => {
      throw new Error('no room');
    };
    await expect(new Body(6).receive(LIMIT, refuse)).rejects.toThrow('no room');
    const growing = new Body();
    const refused = growing.receive(LIMIT, refuse);
    void growing.bring('123', '456');
    await expect(refused).rejects.toThrow('no room');
  });
});
