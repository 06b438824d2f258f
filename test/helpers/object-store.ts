import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { freePort } from './server';
import { until } from './until';

const HOST = '127.0.0.1';

/** It does not look at signatures, but what nobody has signed may not change what is there. */
const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=me/20260101/us-east-1/s3/aws4_request' };

/** A real server that speaks S3, and before it a proxy that does to its answers what networks do. */
export class ObjectStore {
  /** Objects that were asked for, with the status and the bytes that went out for each. */
  readonly gets: { key: string; status: number; bytes: number }[] = [];
  /** Answers to objects that are cut off after so many bytes. */
  cutAfterBytes: number | undefined;
  /** Calls that are refused with 503 from now on. */
  refusals = 0;
  private constructor(
    private readonly process: ChildProcess,
    private readonly port: number,
    private readonly proxy: Server,
  ) {}

  /** @param python one that has moto */
  static async start(python: string): Promise<ObjectStore> {
    const port = await freePort();
    const child = spawn(join(dirname(python), 'moto_server'), ['--host', HOST, '--port', String(port)], {
      stdio: 'ignore',
    });
    const proxy = createServer((incoming, answer) => store.pass(incoming, answer));
    proxy.listen(0, HOST);
    await once(proxy, 'listening');
    const store = new ObjectStore(child, port, proxy);
    await until('the object store answers', () =>
      fetch(`http://${HOST}:${port}/moto-api/`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    return store;
  }

  get url(): string {
    return `http://${HOST}:${(this.proxy.address() as AddressInfo).port}`;
  }

  /** Variables with which a client finds it. */
  get env(): Record<string, string> {
    return { AWS_ENDPOINT_URL_S3: this.url, AWS_ACCESS_KEY_ID: 'me', AWS_SECRET_ACCESS_KEY: 'hush' };
  }

  async put(bucket: string, key: string, body: Uint8Array<ArrayBuffer> | string): Promise<void> {
    const root = `http://${HOST}:${this.port}/${bucket}`;
    await fetch(root, { method: 'PUT', headers: SIGNED });
    const path = key.split('/').map(encodeURIComponent).join('/');
    const answer = await fetch(`${root}/${path}`, { method: 'PUT', headers: SIGNED, body });
    if (!answer.ok) throw new Error(`the object store answers ${answer.status}`);
  }

  async remove(bucket: string, key: string): Promise<void> {
    await fetch(`http://${HOST}:${this.port}/${bucket}/${key}`, {
      method: 'DELETE',
      headers: SIGNED,
    });
  }

  async stop(): Promise<void> {
    this.proxy.close();
    this.proxy.closeAllConnections();
    if (this.process.exitCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  private pass(incoming: IncomingMessage, answer: ServerResponse): void {
    if (this.refusals > 0) {
      this.refusals--;
      answer.writeHead(503, { 'retry-after': '0' }).end();
      return;
    }
    const { method, url = '', headers } = incoming;
    const onward = request({ host: HOST, port: this.port, method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 0, got.headers);
      const entry = { key: url, status: got.statusCode ?? 0, bytes: 0 };
      if (!url.includes('list-type')) this.gets.push(entry);
      got.on('data', (chunk: Buffer) => {
        const left = (this.cutAfterBytes ?? Infinity) - entry.bytes;
        const part = url.includes('list-type') || chunk.length <= left ? chunk : chunk.subarray(0, left);
        entry.bytes += part.length;
        answer.write(part);
        if (part !== chunk) {
          got.destroy();
          // What was written arrives: a reset could take it back.
          answer.socket?.destroySoon();
        }
      });
      got.on('end', () => answer.end());
    });
    onward.on('error', () => answer.destroy());
    incoming.pipe(onward);
  }
}
