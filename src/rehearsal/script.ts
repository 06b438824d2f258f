import { V2_PREFIX } from '../open-inference/v2.protocol';
import { MODEL } from './stage';

/** A row of a small model, and one of an image of 28 by 28. */
const SMALL = 4;
const LARGE = 784;
/** Digits of the number that makes a request another one than the last of its kind. */
const DIGITS = 6;
const MARK = '0.'.padEnd(DIGITS + 2, '7');
/** How often the kinds that matter less come. */
const LARGE_EVERY = 24;
const REFUSED_EVERY = 40;

/** One request, as it goes over a connection. */
export interface Line {
  readonly bytes: Buffer;
  /** Makes it differ from those before it, so that a prediction cache does not know it. */
  vary(number: number): void;
}

/** What is sent, in an order that mixes all kinds. */
export class Script {
  private readonly json = jsonLine(SMALL);
  private readonly binary = binaryLine(SMALL);
  private readonly native: Line;
  private readonly large = jsonLine(LARGE);
  private readonly small: readonly Line[];
  private readonly refused: readonly Line[];

  constructor(apiPrefix: string) {
    this.native = nativeLine(apiPrefix);
    this.small = [this.json, this.binary, this.json, this.native];
    this.refused = [
      // No model can have this name, so that no disk is looked at for it.
      post(`${V2_PREFIX}/models/no%20such/infer`, JSON_TYPE, v2Json(SMALL)),
      post(PATH, JSON_TYPE, v2Json(SMALL).replace(`[1,${SMALL}]`, `[1,${SMALL + 1}]`)),
      post(PATH, JSON_TYPE, '{"inputs":[{'),
    ];
  }

  /** The bytes of a request, which the next call may change. */
  line(index: number): Buffer {
    const line = this.lineAt(index);
    // Each comes twice: the second time a prediction cache knows it.
    line.vary(Math.floor(index / (2 * this.small.length)));
    return line.bytes;
  }

  private lineAt(index: number): Line {
    if (index % REFUSED_EVERY === REFUSED_EVERY - 1) {
      return this.refused[Math.floor(index / REFUSED_EVERY) % this.refused.length]!;
    }
    if (index % LARGE_EVERY === LARGE_EVERY - 1) return this.large;
    return this.small[index % this.small.length]!;
  }
}

const PATH = `${V2_PREFIX}/models/${MODEL}/infer`;
const JSON_TYPE = 'content-type: application/json';

function jsonLine(count: number): Line {
  return post(PATH, JSON_TYPE, v2Json(count));
}

function nativeLine(apiPrefix: string): Line {
  return post(`${apiPrefix}/inference/${MODEL}`, JSON_TYPE, `{"x":[[${numbers(SMALL).join(',')}]]}`);
}

function v2Json(count: number): string {
  const data = numbers(count).join(',');
  return `{"inputs":[{"name":"x","shape":[1,${count}],"datatype":"FP32","data":[${data}]}]}`;
}

/** The first one is the mark, where the number goes; the others have as many digits as those of real requests. */
function numbers(count: number): string[] {
  const others = Array.from({ length: count - 1 }, (_, i) => String(Math.fround(Math.sin(i + 1))));
  return [MARK, ...others];
}

function binaryLine(count: number): Line {
  const data = Buffer.from(Float32Array.from({ length: count }, (_, i) => Math.sin(i)).buffer);
  const parameters = `"parameters":{"binary_data_size":${data.length}}`;
  const head =
    `{"parameters":{"binary_data_output":true},"inputs":[{"name":"x","shape":[1,${count}],"datatype":"FP32",` +
    `${parameters}}]}`;
  const fields = `content-type: application/octet-stream\r\nInference-Header-Content-Length: ${head.length}`;
  const { bytes } = post(PATH, fields, Buffer.concat([Buffer.from(head), data]));
  const at = bytes.length - data.length;
  return { bytes, vary: (number) => void bytes.writeFloatLE(number, at) };
}

function post(path: string, fields: string, body: string | Buffer): Line {
  const length = Buffer.byteLength(body);
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\nContent-Length: ${length}\r\n\r\n`;
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from(body)]);
  const mark = bytes.indexOf(MARK);
  const at = mark + MARK.length - DIGITS;
  return {
    bytes,
    vary(number) {
      if (mark !== -1) bytes.write(String(number).padStart(DIGITS, '1'), at, 'latin1');
    },
  };
}
