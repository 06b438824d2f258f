import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectStore } from './helpers/object-store';
import { withPackages } from './helpers/python-environment';
import { describeWith } from './helpers/requirements-of-tests';
import { MODELS, startServer } from './helpers/server';
import { until } from './helpers/until';

const CLI = join(__dirname, '..', 'dist', 'cli', 'main.js');
const IRIS = new Uint8Array(readFileSync(join(MODELS, 'iris', '1', 'model.onnx')));
const LARGE = new Uint8Array(randomBytes(300_000));

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nestor-pull-'));
});

afterEach(() => rmSync(dir, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  out: string;
  error: string;
}

function start(sources: readonly string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [CLI, 'pull', '--dir', dir, ...sources], {
    env: { PATH: process.env.PATH, ...env },
  });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let out = '';
  let error = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (error += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, error };
}

const pull = (sources: readonly string[], env?: Record<string, string>): Promise<Ended> =>
  ended(start(sources, env));
const read = (...path: string[]): Uint8Array => new Uint8Array(readFileSync(join(dir, ...path)));
const text = (...path: string[]): string => readFileSync(join(dir, ...path), 'utf8');
const contents = (): string[] => readdirSync(join(dir, '.pulled')).filter((name) => name.length === 64);

describeWith('python3', 'nestor pull from a bucket', (python3) => {
  withPackages(python3, join(__dirname, 'pull', 'requirements.txt'), (python) => {
    let store: ObjectStore;
    let bucket = 0;
    let here: string;

    beforeAll(async () => {
      store = await ObjectStore.start(python);
    });
    afterAll(() => store.stop());
    beforeEach(() => {
      here = `models-${++bucket}`;
      store.gets.length = 0;
      store.cutAfterBytes = undefined;
      store.refusals = 0;
    });

    it('brings one model, and a folder of several', async () => {
      await store.put(here, 'v7/fraud/model.onnx', IRIS);
      await store.put(here, 'v7/fraud/model.yaml', 'max_batch_rows: 8');
      await store.put(here, 'all/a/2/model.onnx', IRIS);
      await store.put(here, 'all/b.onnx', IRIS);
      await store.put(here, 'all/.hidden/1/model.onnx', IRIS);
      const { code, out } = await pull([`s3://${here}/v7/fraud`, `s3://${here}/all`], store.env);
      expect({ code, lines: out.trim().split('\n') }).toEqual({
        code: 0,
        lines: [
          'fraud: is there now, 2 files, 0.0 MB',
          'a: is there now, 1 file, 0.0 MB',
          'b: is there now, 1 file, 0.0 MB',
        ],
      });
      expect(read('fraud', '1', 'model.onnx')).toEqual(IRIS);
      expect(text('fraud', 'model.yaml')).toBe('max_batch_rows: 8');
      expect(read('a', '2', 'model.onnx')).toEqual(IRIS);
      expect(read('b', '1', 'model.onnx')).toEqual(IRIS);
      expect(readdirSync(dir).sort()).toEqual(['.pulled', 'a', 'b', 'fraud']);
    });

    it('fetches nothing that is there, and of a changed model what changed alone', async () => {
      await store.put(here, 'big/1/model.onnx', LARGE);
      await store.put(here, 'big/model.yaml', 'description: old');
      const source = `s3://${here}/big`;
      expect(await pull([source], store.env)).toMatchObject({ code: 0 });
      store.gets.length = 0;
      expect((await pull([source], store.env)).out).toContain('is as it was');
      expect(store.gets).toEqual([]);

      await store.put(here, 'big/model.yaml', 'description: new');
      expect((await pull([source], store.env)).out).toContain('is there now');
      expect(store.gets.map(({ key }) => key)).toEqual([`/${here}/big/model.yaml`]);
      expect(text('big', 'model.yaml')).toBe('description: new');
      expect(read('big', '1', 'model.onnx')).toEqual(LARGE);
      expect(contents()).toHaveLength(1);
    });

    it('goes on where an answer broke off, and waits where it is told to', async () => {
      await store.put(here, 'big/1/model.onnx', LARGE);
      store.cutAfterBytes = 100_000;
      store.refusals = 2;
      expect(await pull([`s3://${here}/big`], store.env)).toMatchObject({ code: 0, error: '' });
      expect(read('big', '1', 'model.onnx')).toEqual(LARGE);
      expect(store.gets.slice(1).every(({ status }) => status === 206)).toBe(true);
      expect(store.gets.length).toBeGreaterThanOrEqual(3);
    });

    it('goes on after it was killed', async () => {
      await store.put(here, 'big/1/model.onnx', LARGE);
      store.cutAfterBytes = 100_000;
      const child = start([`s3://${here}/big`], store.env);
      const gone = once(child, 'exit');
      const incoming = (): string | undefined =>
        readdirSync(join(dir, '.pulled')).find((name) => name.startsWith('incoming-'));
      await until('a part has come', () => {
        const part = join(dir, '.pulled', incoming() ?? '', '1', 'model.onnx');
        return existsSync(part) && lstatSync(part).size > 0;
      });
      child.kill('SIGKILL');
      await gone;
      expect(existsSync(join(dir, 'big'))).toBe(false);
      rmSync(join(dir, '.pulled', 'lock'), { force: true });
      store.cutAfterBytes = undefined;
      store.gets.length = 0;
      expect(await pull([`s3://${here}/big`], store.env)).toMatchObject({ code: 0 });
      expect(read('big', '1', 'model.onnx')).toEqual(LARGE);
      expect(store.gets[0]?.status).toBe(206);
    });

    it('leaves what is there while a source is away, and fetches the others', async () => {
      await store.put(here, 'a/1/model.onnx', IRIS);
      await store.put(here, 'b/1/model.onnx', IRIS);
      expect(await pull([`s3://${here}/a`], store.env)).toMatchObject({ code: 0 });
      const { code, error } = await pull([`s3://${here}-gone/a`, `s3://${here}/b`], store.env);
      expect({ code, error }).toEqual({
        code: 1,
        error: `s3://${here}-gone/a: ${new URL(store.url).host} answers 404: there is nothing\n`,
      });
      expect(read('a', '1', 'model.onnx')).toEqual(IRIS);
      expect(read('b', '1', 'model.onnx')).toEqual(IRIS);
    });

    it('lays no key outside of the model, and takes no name that no model can have', async () => {
      await store.put(here, 'a/1/model.onnx', IRIS);
      await store.put(here, 'a/x//evil', 'x');
      await store.put(here, 'b c/1/model.onnx', IRIS);
      await store.put(here, 'b c/other', IRIS);
      const { code, error } = await pull([`s3://${here}/a`, `s3://${here}/b%20c`], store.env);
      expect(code).toBe(2);
      expect(error).toContain('"b c" is no name that a model can have; put one before it: name=s3://');
      expect(await pull([`s3://${here}/a`], store.env)).toMatchObject({
        code: 1,
        error: expect.stringContaining('has a file that no folder can hold: "x//evil"') as unknown,
      });
      expect(await pull([`ok=s3://${here}/b%20c`], store.env)).toMatchObject({ code: 0 });
      expect(read('ok', 'other')).toEqual(IRIS);
    });

    it('takes no more room than it may', async () => {
      await store.put(here, 'big/1/model.onnx', LARGE);
      const { code, error } = await pull(['--max-bytes', '100kb', `s3://${here}/big`], store.env);
      expect(code).toBe(1);
      expect(error).toContain(
        'is 300000 bytes that are not there yet, of which 102400 are left (--max-bytes',
      );
      expect(store.gets).toEqual([]);
    });

    it('does not touch a model that was not pulled', async () => {
      await store.put(here, 'a/1/model.onnx', IRIS);
      mkdirSync(join(dir, 'a'));
      const { code, error } = await pull([`s3://${here}/a`], store.env);
      expect({ code, error }).toEqual({
        code: 1,
        error: expect.stringContaining('was not pulled') as unknown,
      });
      expect(lstatSync(join(dir, 'a')).isDirectory()).toBe(true);
    });

    it('has two of itself take turns', async () => {
      await store.put(here, 'big/1/model.onnx', LARGE);
      const both = await Promise.all([1, 2].map(() => pull([`s3://${here}/big`], store.env)));
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      expect(both.map(({ out }) => out.includes('is there now')).sort()).toEqual([false, true]);
      expect(read('big', '1', 'model.onnx')).toEqual(LARGE);
    });

    it('keeps a server at what a source has, and at what it had while that is away', async () => {
      const digits = new Uint8Array(readFileSync(join(MODELS, 'digits', '1', 'model.onnx')));
      await store.put(here, 'm/1/model.onnx', IRIS);
      const server = await startServer({
        ...store.env,
        WORKERS: '1',
        MODEL_DIR: join(dir, 'not-there-yet'),
        MODEL_SOURCES: `s3://${here}/m`,
        MODEL_SOURCES_INTERVAL_MS: '200',
      });
      const outputs = async (): Promise<unknown> => (await server.get('/v2/models/m')).body.outputs;
      const before = await outputs();
      store.refusals = 3;
      await store.put(here, 'm/1/model.onnx', digits);
      await server.said('model folder changed, model loaded anew');
      expect(await outputs()).not.toEqual(before);

      await store.remove(here, 'm/1/model.onnx');
      await server.said('a source of models gives nothing, what is there stays');
      expect(await server.get('/api/health/ready')).toMatchObject({ status: 200 });
      expect(await server.stop()).toBe(0);
    });

    it('serves what it brought', async () => {
      await store.put(here, 'a/1/model.onnx', IRIS);
      expect(await pull([`s3://${here}/a`], store.env)).toMatchObject({ code: 0 });
      const check = spawn(process.execPath, [CLI, 'check', dir], {
        env: { PATH: process.env.PATH, LOG_DIR: '' },
      });
      expect(await ended(check)).toMatchObject({ code: 0 });
    });
  });
});

describe('nestor pull from the web', () => {
  const servers: Server[] = [];
  afterEach(() => servers.splice(0).forEach((server) => (server.close(), server.closeAllConnections())));

  async function serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const sha256 = createHash('sha256').update(IRIS).digest('hex');

  it('takes a file by its digest, and no other', async () => {
    const url = await serve((_, answer) => answer.end(IRIS));
    expect(await pull([`${url}/files/iris.onnx?signature=secret#sha256=${sha256}`])).toMatchObject({
      code: 0,
    });
    expect(read('iris', '1', 'model.onnx')).toEqual(IRIS);
    const other = await pull([`other=${url}/files/iris.onnx?signature=secret#sha256=${'0'.repeat(64)}`]);
    expect(other.code).toBe(1);
    expect(other.error).toContain(`has the SHA-256 ${sha256}, and ${'0'.repeat(64)} was expected`);
    expect(other.error).not.toContain('secret');
    expect(existsSync(join(dir, 'other'))).toBe(false);
    expect((await pull([`${url}/iris.onnx`])).error).toContain('has no #sha256=');
  });

  it('removes the link that one before left half-made, and no link of others', async () => {
    const url = await serve((_, answer) => answer.end(IRIS));
    const source = `m=${url}/iris.onnx#sha256=${sha256}`;
    expect(await pull([source])).toMatchObject({ code: 0 });
    const half = `.m.${randomUUID()}`;
    symlinkSync(join('.pulled', contents()[0]!), join(dir, half));
    symlinkSync('elsewhere', join(dir, `.n.${randomUUID()}`));
    expect(await pull([source])).toMatchObject({ code: 0 });
    const left = readdirSync(dir);
    expect(left).not.toContain(half);
    expect(left).toHaveLength(3);
    expect(read('m', '1', 'model.onnx')).toEqual(IRIS);
  });

  it('takes a repository of Hugging Face at one commit, and shows its token to nobody else', async () => {
    const seen: [string, string | undefined][] = [];
    const elsewhere = await serve(({ url, headers }, answer) => {
      seen.push([url!, headers.authorization]);
      answer.end(IRIS);
    });
    const config = '{"model_type":"bert"}';
    const tree = [
      { type: 'directory', path: 'onnx', size: 0, oid: '1' },
      { type: 'file', path: 'onnx/model.onnx', size: IRIS.length, oid: '2', lfs: { oid: sha256 } },
      { type: 'file', path: 'config.json', size: config.length, oid: '3' },
      { type: 'file', path: 'pytorch_model.bin', size: 1e9, oid: '4' },
      { type: 'file', path: '.gitattributes', size: 10, oid: '5' },
    ];
    const hub = await serve(({ url, headers }, answer) => {
      seen.push([url!, headers.authorization]);
      if (url === '/api/models/org/mini/revision/main') answer.end('{"sha":"abc"}');
      else if (url === '/api/models/org/mini/tree/abc?recursive=true') answer.end(JSON.stringify(tree));
      else if (url === '/org/mini/resolve/abc/config.json') answer.end(config);
      else answer.writeHead(302, { location: `${elsewhere}/blob` }).end();
    });
    const env = { HF_ENDPOINT: hub, HF_TOKEN: 'hf_secret' };
    expect(await pull(['hf://org/mini@main'], env)).toMatchObject({ code: 0, error: '' });
    expect(read('mini', 'onnx', 'model.onnx')).toEqual(IRIS);
    expect(text('mini', 'config.json')).toBe(config);
    expect(seen.filter(([, token]) => token === undefined)).toEqual([['/blob', undefined]]);
    expect(seen.filter(([, token]) => token === 'Bearer hf_secret')).toHaveLength(4);
  });

  it('says what it expected of a source that is none', async () => {
    writeFileSync(join(dir, 'x'), '');
    for (const source of ['models/', 'ftp://host/x', 's3:///x', 'hf://org', 'a b=s3://c/d']) {
      const { code, error } = await pull([source]);
      expect({ source, code, error }).toEqual({
        source,
        code: 2,
        error: expect.stringMatching(/expected \[name=\]s3:|is no name that a model can have/) as unknown,
      });
    }
    expect((await pull([])).error).toContain('takes at least one source');
  });
});
