import { recordsOf } from './records';

async function* inChunks(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function batches(
  text: string,
  { quotes = true, first = 0, most = 2, size = 1000 } = {},
): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { bytes, count } of recordsOf(inChunks(text, size), { quotes, first, most }))
    found.push([bytes.toString(), count]);
  return found;
}

describe('recordsOf', () => {
  const AWKWARD = 'a,"b\n""c"",\n"\r\n\n"",d\ne,f';

  it('cuts at line ends outside of quotes, and leaves empty lines out', async () => {
    expect(await batches(AWKWARD)).toEqual([
      ['a,"b\n""c"",\n"\r\n"",d\n', 2],
      ['e,f\n', 1],
    ]);
  });

  it.each([1, 2, 3, 5, 7])('finds the same in chunks of %i bytes', async (size) => {
    expect(await batches(AWKWARD, { size })).toEqual(await batches(AWKWARD));
  });

  it('knows no quotes where there are none, as in NDJSON', async () => {
    expect(await batches('{"a":"\n{}\n', { quotes: false, most: 1 })).toEqual([
      ['{"a":"\n', 1],
      ['{}\n', 1],
    ]);
  });

  it('gives a header alone', async () => {
    expect(await batches('h\n1\n2\n3\n', { first: 1 })).toEqual([
      ['h\n', 1],
      ['1\n2\n', 2],
      ['3\n', 1],
    ]);
  });

  it('gives nothing of nothing', async () => {
    expect(await batches('')).toEqual([]);
    expect(await batches('\n\r\n\n')).toEqual([]);
  });

  it('counts the bytes that lie behind', async () => {
    let last = 0;
    for await (const { readBytes } of recordsOf(inChunks(AWKWARD, 4), { quotes: true, first: 0, most: 1 }))
      last = readBytes;
    // The last line gets its end.
    expect(last).toBe(AWKWARD.length + 1);
  });

  it('refuses a quote that is never closed before it holds the whole file', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('"');
      for (;;) yield await Promise.resolve(Buffer.alloc(8 * 1024 ** 2, 'x\n'));
    }
    const reading = recordsOf(endless(), { quotes: true, first: 0, most: 1 }).next();
    await expect(reading).rejects.toThrow('is a quote not closed?');
  });
});
