import { V2_PREFIX } from '../open-inference/v2.protocol';
import { type Client, CLIENTS } from './clients';
import { MODEL } from './stage';
import { WIDTH } from './stand-in-thread';

/** One row, and as many numbers as an image of 28 by 28 has. */
const SMALL = WIDTH;
const LARGE = 784;
/** The number that makes a request another one than the last of its kind, and its digits. */
const DIGITS = 6;
const MARK = '0.'.padEnd(DIGITS + 2, '7');
/** How often the kinds that matter less come. */
const LARGE_EVERY = 24;
const REFUSED_EVERY = 40;

const V2_PATH = `${V2_PREFIX}/models/${MODEL}/infer`;
const JSON_FIELDS = ['Content-Type: application/json'];

/** One request, as it goes over a connection. */
interface Line {
  readonly bytes: Buffer;
  /** Makes it differ from those before it, so that a prediction cache does not know it. */
  vary(number: number): void;
}

/** What one client sends. */
interface Part {
  /** In turn. */
  readonly small: readonly Line[];
  readonly large: Line;
  readonly refused: readonly Line[];
}

/** What is sent, in an order that mixes all kinds and clients. */
export class Script {
  private readonly parts: readonly Part[];

  constructor(apiPrefix: string) {
    this.parts = CLIENTS.map((client) => partOf(client, apiPrefix));
  }

  /** The bytes of a request, which the next call may change. */
  line(index: number): Buffer {
    const round = Math.floor(index / REFUSED_EVERY);
    const part = this.parts[Math.floor(index / 8) % this.parts.length]!;
    const line = lineOf(part, index, round);
    // Each comes twice, and the second time a prediction cache knows it.
    line.vary(Math.floor(index / 8));
    return line.bytes;
  }
}

function lineOf({ small, large, refused }: Part, index: number, round: number): Line {
  if (index % REFUSED_EVERY === REFUSED_EVERY - 1) return refused[round % refused.length]!;
  if (index % LARGE_EVERY === LARGE_EVERY - 1) return large;
  return small[index % small.length]!;
}

function partOf(client: Client, apiPrefix: string): Part {
  const json = (path: string, body: string): Line => post(client, path, JSON_FIELDS, Buffer.from(body));
  const v2 = json(V2_PATH, v2Body(SMALL));
  const native = json(`${apiPrefix}/inference/${MODEL}`, `{"x":[[${numbers(SMALL).join(',')}]]}`);
  return {
    small: [v2, binaryLine(client, SMALL), v2, native],
    large: json(V2_PATH, v2Body(LARGE)),
    refused: [
      // No model can have this name, so that no disk is looked at for it.
      json(`${V2_PREFIX}/models/no%20such/infer`, v2Body(SMALL)),
      json(V2_PATH, v2Body(SMALL).replace(shapeOf(SMALL), `[1,${SMALL + 1}]`)),
      json(V2_PATH, '{"inputs":[{'),
    ],
  };
}

function v2Body(count: number): string {
  const data = numbers(count).join(',');
  return `{"inputs":[{"name":"x","shape":${shapeOf(count)},"datatype":"FP32","data":[${data}]}]}`;
}

function shapeOf(count: number): string {
  return `[${count / WIDTH},${WIDTH}]`;
}

/** The first one is the mark, where the number goes; among the others are long and short ones, as in real requests. */
function numbers(count: number): string[] {
  const others = Array.from({ length: count - 1 }, (_, i) => {
    if (i % 3 === 1) return String(i - 2);
    return i % 3 === 2 ? String(i / 4) : String(Math.fround(Math.sin(i + 1)));
  });
  return [MARK, ...others];
}

function binaryLine(client: Client, count: number): Line {
  const data = Buffer.from(Float32Array.from({ length: count }, (_, i) => Math.sin(i)).buffer);
  const head = Buffer.from(
    `{"parameters":{"binary_data_output":true},"inputs":[{"name":"x","shape":${shapeOf(count)},"datatype":"FP32",` +
      `"parameters":{"binary_data_size":${data.length}}}]}`,
  );
  const fields = [
    'Content-Type: application/octet-stream',
    `Inference-Header-Content-Length: ${head.length}`,
  ];
  const { bytes } = post(client, V2_PATH, fields, Buffer.concat([head, data]));
  const at = bytes.length - data.length;
  return { bytes, vary: (number) => void bytes.writeFloatLE(number, at) };
}

function post(client: Client, path: string, contentFields: readonly string[], body: Buffer): Line {
  const head = [`POST ${path} HTTP/1.1`, ...client(contentFields, body.length), '', ''].join('\r\n');
  const bytes = Buffer.concat([Buffer.from(head), body]);
  const mark = bytes.indexOf(MARK);
  const at = mark + MARK.length - DIGITS;
  return {
    bytes,
    vary(number) {
      if (mark !== -1) bytes.write(String(number).padStart(DIGITS, '1'), at, 'latin1');
    },
  };
}
