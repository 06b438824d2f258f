import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type * as Client from '../packages/client/src/index';
import { withBrowser } from './helpers/browser';
import { describeWith } from './helpers/requirements-of-tests';
import { freePort, MODELS, startServer, type TestServer } from './helpers/server';

const PACKAGE = join(__dirname, '..', 'packages', 'client');
const IRIS = [[5.1, 3.5, 1.4, 0.2]];

/** As `nestor types` prints them. */
interface Models {
  digits: {
    inputs: { image: number[][][] };
    outputs: { probabilities: number[][] };
    declared: {
      inputs: { picture: Uint8Array | { readonly b64: string } };
      outputs: { digit: { label: string; score: number }[] };
    };
  };
  iris: {
    inputs: { features: number[][] };
    outputs: { label: number[]; probabilities: number[][] };
    declared: {
      inputs: { flower: Record<string, number> };
      outputs: { species: { label: string; score: number }[] };
    };
  };
}

let client: typeof Client;
beforeAll(() => {
  execFileSync(process.execPath, [join(PACKAGE, 'build.js')]);
  client = jest.requireActual<typeof Client>(PACKAGE);
}, 120_000);

describe('the client and a real server', () => {
  let server: TestServer;
  let nestor: Client.Nestor;
  beforeAll(async () => {
    server = await startServer({ CACHE_ENABLED: 'true' });
    nestor = new client.Nestor(server.url);
  });
  afterAll(() => server.stop());

  it('infers from nested arrays', async () => {
    const answer = await nestor.infer('iris', { features: IRIS });
    expect(answer).toMatchObject({ model: 'iris', version: '1', outputs: { label: [0] } });
    expect(await nestor.infer('iris', { features: IRIS }, { outputs: ['label'] })).toMatchObject({
      outputs: { label: [0] },
      cached: true,
    });
    expect((await nestor.infer('iris', { features: IRIS }, { cache: false })).cached).toBe(false);
  });

  it('infers from typed arrays, in binary, to the same numbers', async () => {
    const features = new client.Tensor(new Float32Array(IRIS.flat()), [1, 4]);
    const { outputs } = await nestor.infer('iris', { features }, { version: '1' });
    const { label, probabilities } = outputs as Record<string, Client.Tensor>;
    expect(label).toMatchObject({ datatype: 'INT64', shape: [1], data: new BigInt64Array([0n]) });
    const json = await nestor.infer('iris', { features: IRIS }, { cache: false });
    const printed = (json.outputs as { probabilities: number[][] }).probabilities[0]!;
    expect(probabilities?.data).toEqual(new Float32Array(printed));
  });

  it('infers from pictures, rows and options, by what the model declares', async () => {
    const typed = new client.Nestor<Models>(server.url);
    const bytes = readFileSync(join(MODELS, 'digits', 'three.png'));
    const { outputs } = await typed.infer('digits', { picture: new Blob([bytes]) });
    expect(outputs.digit[0]?.label).toBe('3');
    const several = await typed.infer('digits', { picture: [bytes, new Blob([bytes])], top_k: 1 });
    expect(several.outputs.digit.map(([best]) => best?.label)).toEqual(['3', '3']);
    const flower = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
    expect((await typed.infer('iris', { flower })).outputs.species[0]).toMatchObject({ label: 'setosa' });
    // @ts-expect-error: the model declares no such input
    await expect(typed.infer('digits', { image: bytes })).rejects.toMatchObject({ status: 400 });
    await expect(typed.infer('digits', { picture: new Blob(['x']) })).rejects.toMatchObject({
      code: 'invalid_image',
    });
  });

  it('keeps numbers that JSON has no literal for', async () => {
    const nan = await nestor.infer('iris', { features: [[NaN, Infinity, 1, 1]] });
    expect(nan.outputs).toMatchObject({ probabilities: [['NaN', 'NaN', 'NaN']] });
    const rows = [new Float32Array(IRIS.flat())];
    expect((await nestor.infer('iris', { features: rows })).outputs).toMatchObject({ label: [0] });
  });

  it('lists models and tells whether the server is ready', async () => {
    expect((await nestor.models()).map(({ name }) => name)).toEqual(['digits', 'iris']);
    expect(await nestor.ready()).toBe(true);
  });

  it('throws what the server says, with its code and the id for its log', async () => {
    const wrong = nestor.infer('iris', { features: [[1, 2, 3]] });
    await expect(wrong).rejects.toBeInstanceOf(client.NestorError);
    await expect(wrong).rejects.toMatchObject({ status: 400, code: 'shape_mismatch' });
    await expect(wrong).rejects.toMatchObject({ requestId: expect.stringMatching(/./) as string });
    await expect(nestor.infer('irsi', { x: [1] })).rejects.toMatchObject({ status: 404 });
  });

  it.each(['docs/migrating.md', 'packages/client/README.md'])(
    'is called as %s shows, as an ES module',
    (document) => {
      const text = readFileSync(join(PACKAGE, '..', '..', document), 'utf8');
      const programs = [...text.matchAll(/^```[jt]s\n([^]*?)\n```$/gm)].flatMap(([, program = '']) =>
        program.includes("from 'nestor-inference-client'") && program.includes('console.log(outputs')
          ? [program]
          : [],
      );
      expect(programs).toHaveLength(1);
      for (const program of programs) {
        const here = program
          .replace("'nestor-inference-client'", JSON.stringify(join(PACKAGE, 'dist', 'esm', 'index.js')))
          .replace('http://localhost:8000', server.url);
        const args = ['--input-type=module', '--eval', here];
        const printed = execFileSync(process.execPath, args, { encoding: 'utf8' }).trim();
        expect(printed.replaceAll(' ', '')).toBe(
          /console\.log\(.*\/\/ (.*)$/m.exec(program)?.[1]?.replaceAll(' ', ''),
        );
      }
    },
  );
});

describe('the client and a server that fails', () => {
  let server: Server;
  let calls: number;
  let nestor: Client.Nestor;

  async function answering(
    listener: (call: number, ...rest: Parameters<RequestListener>) => void,
  ): Promise<void> {
    calls = 0;
    server = createServer((req, res) => listener(++calls, req, res)).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    nestor = new client.Nestor(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const RESULT = JSON.stringify({ result: { y: 1 }, cached: false, version: '1' });

  it.each([429, 503])('asks again after %i, when the server says', async (status) => {
    await answering((call, req, res) => {
      if (call === 1) res.writeHead(status, { 'retry-after': '0' }).end('{}');
      else res.end(RESULT);
    });
    expect((await nestor.infer('m', { x: 1 })).outputs).toEqual({ y: 1 });
    expect(calls).toBe(2);
  });

  it('asks again when the connection dies, also in the middle of an answer', async () => {
    await answering((call, req, res) => {
      if (call === 1) req.socket.destroy();
      else if (call === 2)
        res.writeHead(200, { 'content-length': '1000' }).write('{"res', () => res.destroy());
      else res.end(RESULT);
    });
    expect((await nestor.infer('m', { x: 1 })).outputs).toEqual({ y: 1 });
    expect(calls).toBe(3);
  });

  it('gives up after its retries, and at once where asking again cannot help', async () => {
    await answering((call, req, res) => {
      res
        .writeHead(req.url?.includes('bad') ? 400 : 503, { 'retry-after': '0' })
        .end('{"code":"overloaded"}');
    });
    await expect(nestor.infer('m', { x: 1 })).rejects.toMatchObject({ status: 503, code: 'overloaded' });
    expect(calls).toBe(4);
    await expect(nestor.infer('bad', { x: 1 })).rejects.toMatchObject({ status: 400 });
    expect(calls).toBe(5);
  });

  it('ends at its deadline, of which the server is told, and when it is told to', async () => {
    let told: string | undefined;
    await answering((call, req) => (told = String(req.headers['x-request-timeout-ms'])));
    await expect(nestor.infer('m', { x: 1 }, { timeoutMs: 80 })).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    expect(Number(told)).toBeLessThanOrEqual(80);
    const leaving = new AbortController();
    const call = nestor.infer('m', { x: 1 }, { signal: leaving.signal });
    leaving.abort(new Error('no longer wanted'));
    await expect(call).rejects.toThrow('no longer wanted');
  });

  it('does not wait for a pause that is longer than its time', async () => {
    await answering((call, req, res) => res.writeHead(503, { 'retry-after': '60' }).end('{}'));
    await expect(nestor.infer('m', { x: 1 }, { timeoutMs: 5000 })).rejects.toMatchObject({ status: 503 });
    expect(calls).toBe(1);
  });

  it('reads the date of a Retry-After', async () => {
    await answering((call, req, res) => {
      if (call === 1) res.writeHead(503, { 'retry-after': new Date(0).toUTCString() }).end('{}');
      else res.end(RESULT);
    });
    expect((await nestor.infer('m', { x: 1 })).outputs).toEqual({ y: 1 });
  });

  it('ends in a pause, too, when it is told to', async () => {
    const leaving = new AbortController();
    await answering((_, req, res) => {
      res
        .writeHead(503, { 'retry-after': '30' })
        .end('{}', () => leaving.abort(new Error('no longer wanted')));
    });
    const call = nestor.infer('m', { x: 1 }, { signal: leaving.signal });
    await expect(call).rejects.toThrow('no longer wanted');
    expect(calls).toBe(1);
  });

  it('says so where the answer is not JSON', async () => {
    await answering((call, req, res) => res.end('<html>a page of a proxy</html>'));
    await expect(nestor.infer('m', { x: 1 })).rejects.toMatchObject({ status: 200, code: 'bad_answer' });
  });
});

describe('the client and a real server that dies', () => {
  it('settles every call, and is answered by the next server', async () => {
    const port = String(await freePort());
    const first = await startServer({ PORT: port, WORKERS: '0' });
    const patient = new client.Nestor(first.url, { retries: 100, timeoutMs: 25_000 });
    const hasty = new client.Nestor(first.url, { retries: 0 });
    const calls = Array.from({ length: 40 }, () => hasty.infer('iris', { features: IRIS }));
    await Promise.race(calls);
    first.process.kill('SIGKILL');
    for (const settled of await Promise.allSettled(calls))
      if (settled.status === 'rejected')
        expect(settled.reason).toMatchObject({ name: 'NestorError', code: 'no_answer', status: 0 });
    await first.exited;
    expect(await hasty.ready()).toBe(false);
    const waiting = patient.infer('iris', { features: IRIS });
    const second = await startServer({ PORT: port, WORKERS: '0' });
    expect((await waiting).outputs).toMatchObject({ label: [0] });
    await second.stop();
  });
});

describeWith('chromium', 'the client in a browser', (chromium) => {
  /** Serves the ES modules of the package to a page of another origin than the server of models. */
  async function withSite<T>(use: (origin: string) => Promise<T>): Promise<T> {
    const site = createServer((req, res) => {
      const file = /^\/([\w-]+\.js)$/.exec(req.url ?? '')?.[1];
      res.setHeader('content-type', file === undefined ? 'text/html' : 'text/javascript');
      res.end(file === undefined ? '<!doctype html>' : readFileSync(join(PACKAGE, 'dist', 'esm', file)));
    });
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
    try {
      return await use(`http://127.0.0.1:${(site.address() as AddressInfo).port}`);
    } finally {
      site.closeAllConnections();
      site.close();
    }
  }

  it('infers from arrays, tensors and pictures, is told of faults, and settles when the server dies', async () => {
    const server = await startServer({ WORKERS: '0' });
    const picture = readFileSync(join(MODELS, 'digits', 'three.png')).toString('base64');
    await withSite((origin) =>
      withBrowser(chromium, async (browser) => {
        const page = await browser.newPage();
        const problems: string[] = [];
        page.on('pageerror', (error) => problems.push(String(error)));
        await page.goto(origin);
        const found = await page.evaluate(`(async () => {
          const { Nestor, NestorError, Tensor } = await import('/index.js');
          const nestor = new Nestor(${JSON.stringify(server.url)});
          const features = ${JSON.stringify(IRIS)};
          const nested = await nestor.infer('iris', { features });
          const tensor = new Tensor(new Float32Array(features.flat()), [1, 4]);
          const binary = await nestor.infer('iris', { features: tensor });
          const bytes = Uint8Array.from(atob(${JSON.stringify(picture)}), (c) => c.charCodeAt(0));
          const pictures = await nestor.infer('digits', { picture: [new Blob([bytes]), bytes], top_k: 1 });
          const fault = await nestor.infer('iris', { features: [[1]] }).catch((error) => error);
          window.nestor = nestor;
          return {
            ready: await nestor.ready(),
            label: nested.outputs.label,
            binary: String(binary.outputs.label.data[0]),
            digits: pictures.outputs.digit.map(([best]) => best.label),
            fault: [fault instanceof NestorError, fault.status, fault.code, typeof fault.requestId],
          };
        })()`);
        expect(found).toEqual({
          ready: true,
          label: [0],
          binary: '0',
          digits: ['3', '3'],
          fault: [true, 400, 'shape_mismatch', 'string'],
        });
        server.process.kill('SIGKILL');
        await server.exited;
        const left = await page.evaluate(
          `window.nestor.infer('iris', { features: [[1, 2, 3, 4]] }).catch((error) => error.code)`,
        );
        expect(left).toBe('no_answer');
        expect(problems).toEqual([]);
      }),
    );
  });
});

describe('a tensor', () => {
  it('refuses a shape that its data does not fill, and arrays that are not typed', () => {
    expect(() => new client.Tensor(new Float32Array(3), [2, 2])).toThrow(
      'The shape [2, 2] has 4 elements, the data 3.',
    );
    expect(() => new client.Tensor(new DataView(new ArrayBuffer(1)) as never, [1])).toThrow(TypeError);
  });

  it('carries texts', () => {
    const texts = ['', 'a', 'ü€😀'];
    const bytes = new client.Tensor(texts, [3]).toBytes();
    expect(client.Tensor.fromBytes(bytes, [3], 'BYTES').data).toEqual(texts);
  });
});
