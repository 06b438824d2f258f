import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { temporaryFolder, writeModel } from './helpers/model-folder';
import { identityModel } from './helpers/onnx-models';
import { seededRandom } from './helpers/seeded-random';
import { MODELS, startServer, type TestServer } from './helpers/server';
import { SENTENCE_FILES, smallTextModel, writeTextFolder } from './helpers/text-models';

const PICTURES = join(__dirname, 'fixtures', 'pictures');
const read = (name: string): Buffer => readFileSync(join(PICTURES, name));
const RUNS = Number(process.env.DECLARED_FUZZ_RUNS ?? 120);
const SEED = Number(process.env.DECLARED_FUZZ_SEED ?? 17);
/** What the whole of it may leave in memory. */
const MOST_MB = 150;
const BOUNDARY = 'edge';

/** Bytes that mean something to those who read texts, rows and forms. */
const WORDS = [
  '"',
  ',',
  '\r\n',
  '\n',
  '\ufeff',
  '\0',
  '\\',
  '--',
  BOUNDARY,
  'NaN',
  '1e999',
  '-',
  '\ud800',
  'é',
  '[]',
  '{',
  '}',
  ':',
];

type Random = (below: number) => number;

/** Changes, doubles, takes out or cuts. */
function mutated(body: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(body);
  for (let i = 0; i <= random(4); i++) {
    const at = random(bytes.length + 1);
    const until = Math.min(bytes.length, at + random(40));
    const word = Buffer.from(WORDS[random(WORDS.length)]!, 'utf8');
    const middle = [
      () => Buffer.from([random(256)]),
      () => word,
      () => Buffer.concat([bytes.subarray(at, until), bytes.subarray(at, until)]),
      () => Buffer.alloc(0),
      () => Buffer.concat(new Array<Buffer>(random(300)).fill(word)),
    ][random(5)]!();
    bytes = Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(until)]);
  }
  return random(4) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
}

function form(...parts: readonly (readonly [head: string, content: Buffer | string])[]): Buffer {
  const pieces = parts.flatMap(([head, content]) => [
    `--${BOUNDARY}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`,
    content,
    '\r\n',
  ]);
  return Buffer.concat([...pieces, `--${BOUNDARY}--\r\n`].map((piece) => Buffer.from(piece as string)));
}

describe('declared inputs that are changed at random', () => {
  const folder = temporaryFolder();
  let server: TestServer;

  beforeAll(async () => {
    writeModel(folder, 'pixels', identityModel('UINT8', ['N', 8, 8, 3]), {
      yaml: 'input: { image: { type: image, layout: nhwc, resize: { width: 8, height: 8 } } }',
    });
    writeModel(folder, 'rows', identityModel('FP32', ['N', 3]), {
      yaml: 'input: { row: { type: table, columns: { a: {}, b: { missing: 0 }, c: { type: integer } } } }',
    });
    writeTextFolder(folder, 'embedder', smallTextModel('hidden'), SENTENCE_FILES);
    server = await startServer({ MODEL_DIR: folder, MAX_IMAGE_PIXELS: '1000000', BODY_LIMIT: '2mb' });
  });

  const json = (body: unknown): Buffer => Buffer.from(JSON.stringify(body));
  const CSV = 'a,b,c\r\n1,"2",3\r\n-0.5,,7\r\n"1e3",0,"12"\r\n';
  const multipart = `multipart/form-data; boundary=${BOUNDARY}`;
  it.each<[what: string, model: string, contentType: string, body: Buffer]>([
    ['a picture', 'pixels', 'image/jpeg', read('exif-6.jpg')],
    [
      'a form',
      'pixels',
      multipart,
      form(['name="image"; filename="a.png"', read('one.png')], ['name="image"', read('bits.png')]),
    ],
    [
      'pictures in JSON',
      'pixels',
      'application/json',
      json({ image: [{ b64: read('one.png').toString('base64') }] }),
    ],
    [
      'texts in JSON',
      'embedder',
      'application/json',
      json({ text: ['a cat', 'né 中文 \ud83d\ude00'], truncate: true }),
    ],
    ['a text', 'embedder', 'text/plain', Buffer.from('the quick fox, né 中文 '.repeat(8))],
    ['CSV', 'rows', 'text/csv', Buffer.from(CSV)],
    [
      'records',
      'rows',
      'application/json',
      json({
        row: [
          { a: 1, b: null, c: 3 },
          { c: 1, b: 2.5, a: 0 },
        ],
      }),
    ],
    [
      "pandas' split",
      'rows',
      'application/json',
      json({ dataframe_split: { columns: ['a', 'b', 'c'], data: [[1, 2, 3]] } }),
    ],
    ['a form of rows', 'rows', multipart, form(['name="row"; filename="a.csv"', CSV])],
  ])('are answered or refused: %s', async (_what, model, contentType, body) => {
    const random = seededRandom(SEED);
    const send = (bytes: Buffer): Promise<Response> =>
      fetch(`${server.url}/api/inference/${model}`, {
        method: 'POST',
        body: new Uint8Array(bytes),
        headers: { 'content-type': contentType },
      });
    expect((await send(body)).status).toBe(200);
    for (let run = 0; run < RUNS; run++) {
      const bytes = mutated(body, random);
      const answer = await send(bytes);
      const text = await answer.text();
      if (answer.status >= 500 || (answer.status !== 200 && !text.includes('"code":"'))) {
        throw new Error(`run ${run}: ${answer.status} ${text.slice(0, 300)} for ${bytes.toString('base64')}`);
      }
    }
    expect((await send(body)).status).toBe(200);
  });

  it.each<
    [what: string, model: string, contentType: string, body: () => Buffer, status: number, message: RegExp]
  >([
    [
      'a megabyte of text',
      'embedder',
      'text/plain',
      () => Buffer.from('word '.repeat(200_000)),
      200,
      /truncated/,
    ],
    [
      'one letter, a million times',
      'embedder',
      'text/plain',
      () => Buffer.from('a'.repeat(1_000_000)),
      200,
      /embedding/,
    ],
    [
      'half a surrogate pair',
      'embedder',
      'application/json',
      () => Buffer.from('{"text":"\\ud800"}'),
      400,
      /surrogate/,
    ],
    [
      '10,000 columns',
      'rows',
      'text/csv',
      () => Buffer.from(`${'a,'.repeat(10_000)}\n`),
      413,
      /MAX_TABLE_COLUMNS/,
    ],
    ['a column that is missing', 'rows', 'text/csv', () => Buffer.from('a,b\n1,2\n'), 400, /column "c"|"c"/],
    [
      'a cell of another type',
      'rows',
      'text/csv',
      () => Buffer.from('a,b,c\n1,2,3\nx,2,3\n'),
      400,
      /^Input "row", row 2, column "a": expected a number, got "x"/,
    ],
    ['a BOM and CRLF', 'rows', 'text/csv', () => Buffer.from('\ufeffa,b,c\r\n1,2,3\r\n'), 200, /"y"/],
    [
      '1,000 parts',
      'pixels',
      multipart,
      () => form(...Array.from({ length: 1000 }, () => ['name="image"', 'x'] as const)),
      413,
      /parts/,
    ],
    [
      'a doubled name',
      'rows',
      multipart,
      () => form(['name="row"', CSV], ['name="row"', CSV]),
      400,
      /is given 2 times/,
    ],
    ['60,000 x 60,000 pixels', 'pixels', 'image/png', () => huge(), 413, /MAX_IMAGE_PIXELS/],
    ['a JPEG called PNG', 'pixels', 'image/png', () => read('exif-6.jpg'), 200, /"y"/],
    ['a picture that moves', 'pixels', 'image/gif', () => read('moving.gif'), 200, /"y"/],
    ['a wrong orientation', 'pixels', 'image/jpeg', () => read('exif-wrong.jpg'), 200, /"y"/],
  ])('are known for what they are: %s', async (_what, model, contentType, body, status, message) => {
    const answer = await fetch(`${server.url}/api/inference/${model}`, {
      method: 'POST',
      body: new Uint8Array(body()),
      headers: { 'content-type': contentType },
    });
    const text = await answer.text();
    const said = answer.status === 200 ? text : (JSON.parse(text) as { message: string }).message;
    expect([answer.status, said]).toEqual([status, expect.stringMatching(message)]);
  });

  it('leave the process as it was', async () => {
    const three = readFileSync(join(MODELS, 'digits', 'three.png'));
    const [worker = 0] = server.workers();
    const residentMb = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${worker}/status`, 'utf8'))?.[1]) / 1024;
    const before = residentMb();
    const random = seededRandom(SEED);
    for (let run = 0; run < RUNS; run++) {
      await fetch(`${server.url}/api/inference/pixels`, {
        method: 'POST',
        body: new Uint8Array(mutated(three, random)),
        headers: { 'content-type': 'image/png' },
      }).then((answer) => answer.arrayBuffer());
    }
    expect(server.workers()).toEqual([worker]);
    expect(residentMb() - before).toBeLessThan(MOST_MB);
  });
});

/** The head of a PNG that promises more than anybody has. */
function huge(): Buffer {
  const bytes = Buffer.from(read('one.png'));
  bytes.writeUInt32BE(60_000, 16);
  bytes.writeUInt32BE(60_000, 20);
  bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  return bytes;
}
