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

  it.each([
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ])('sends %s to a client that asks for it', async (coding, undo) => {
    const { headers, body } = await compress(answer, coding);
    expect(headers).toEqual([...answer.headers, 'vary', 'accept-encoding', 'content-encoding', coding]);
    expect(body).toHaveLength(1);
    expect(undo(body[0]!)).toEqual(whole);
  });

  it('leaves the parts alone for a client that does not', () => {
    expect(compress(answer, undefined)).toEqual({
      headers: [...answer.headers, 'vary', 'accept-encoding'],
      body: answer.body,
    });
  });

  it('leaves a small answer alone for everybody', () => {
    const small = { headers: [], body: [Buffer.alloc(1023)] };
    expect(compress(small, 'gzip')).toBe(small);
  });
});
