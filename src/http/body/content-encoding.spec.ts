import { deflateRawSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { compress, type EncodedAnswer, inflate } from './content-encoding';

const TEXT = Buffer.from('some text, some text');

describe('inflate', () => {
  it.each([
    ['gzip', gzipSync(TEXT)],
    ['X-GZIP', gzipSync(TEXT)],
    [' deflate ', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['identity', TEXT],
  ])('undoes %j', async (encoding, body) => {
    await expect(inflate(body, encoding, 100)).resolves.toEqual(TEXT);
  });

  it.each(['br', 'gzip, gzip', '', 'constructor', '__proto__'])(
    'refuses %j by its name',
    async (encoding) => {
      await expect(inflate(TEXT, encoding, 100)).rejects.toMatchObject({ code: 'unsupported_encoding' });
    },
  );

  it('stops at the limit of the body after decompression', async () => {
    const bomb = gzipSync(Buffer.alloc(1_000_000));
    await expect(inflate(bomb, 'gzip', 999_999)).rejects.toMatchObject({ code: 'body_too_large' });
    await expect(inflate(bomb, 'gzip', 1_000_000)).resolves.toHaveLength(1_000_000);
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(5_000_000))],
    ['deflate', deflateSync(Buffer.alloc(5_000_000))],
  ])('asks for memory before %s takes it, and ends where it gets none', async (encoding, bomb) => {
    const asked: number[] = [];
    const taken: number[] = [];
    const refusal = new Error('no room');
    const room = {
      hold(sizeBytes: number): void {
        asked.push(sizeBytes);
        if (sizeBytes > 1_000_000) throw refusal;
      },
      acquire(sizeBytes: number): Buffer {
        taken.push(sizeBytes);
        return Buffer.alloc(sizeBytes);
      },
    };
    await expect(inflate(bomb, encoding, 5_000_000, room)).rejects.toBe(refusal);
    expect(taken.length).toBe(asked.length - 1);
    expect(Math.max(...taken)).toBeLessThan(1_000_000);
    // The body itself is there for as long.
    expect(asked.slice(0, -1)).toEqual(taken.map((sizeBytes) => sizeBytes + bomb.length));
  });

  it.each(['gzip', 'deflate'])('refuses bytes that are not %s, or only the start of it', async (encoding) => {
    const whole = encoding === 'gzip' ? gzipSync(TEXT) : deflateSync(TEXT);
    for (const body of [Buffer.from('no'), Buffer.alloc(0), whole.subarray(0, -5)]) {
      await expect(inflate(body, encoding, 100)).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });
});

describe('compress', () => {
  const answer: EncodedAnswer = {
    headers: ['content-type', 'application/octet-stream'],
    body: [Buffer.alloc(1000, 'a'), Buffer.alloc(24, 'b')],
  };
  const whole = Buffer.concat(answer.body);
  const all = { json: true, binary: true, leastBytes: 1024 };

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('sends %s to a client that asks for it', async (coding, undo) => {
    const { headers, body } = await compress(answer, coding, all);
    expect(headers).toEqual([...answer.headers, 'vary', 'accept-encoding', 'content-encoding', coding]);
    expect(body).toHaveLength(1);
    expect(undo(body[0]!)).toEqual(whole);
  });

  it('leaves the parts alone for a client that does not', () => {
    expect(compress(answer, undefined, all)).toEqual({
      headers: [...answer.headers, 'vary', 'accept-encoding'],
      body: answer.body,
    });
  });

  it('leaves a small answer alone for everybody', () => {
    const small = { headers: [], body: [Buffer.alloc(1023)] };
    expect(compress(small, 'gzip', all)).toBe(small);
    expect(compress(small, 'gzip', { ...all, leastBytes: 1023 })).not.toBe(small);
  });

  it('leaves alone what is not to be compressed, JSON and tensors each for itself', () => {
    const json = { ...answer, headers: ['content-type', 'application/json'] };
    expect(compress(answer, 'gzip', { ...all, binary: false })).toBe(answer);
    expect(compress(answer, 'gzip', { ...all, json: false })).not.toBe(answer);
    expect(compress(json, 'gzip', { ...all, json: false })).toBe(json);
    expect(compress(json, 'gzip', { ...all, binary: false })).not.toBe(json);
  });
});
