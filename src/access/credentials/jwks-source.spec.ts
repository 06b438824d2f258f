import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../../../test/helpers/until';
import { JwksSource } from './jwks-source';
import type { RemoteKeys } from './jwt';

const GAP_MS = 60;

const set = (...kids: string[]): string =>
  JSON.stringify({ keys: kids.map((kid) => ({ kty: 'OKP', crv: 'Ed25519', x: 'x', kid })) });

describe("an issuer's keys", () => {
  let server: Server;
  let url: string;
  let answer: RequestListener;
  let asked = 0;
  let source: JwksSource;
  const got: RemoteKeys[] = [];
  const failures: string[] = [];

  const kids = (): string[] => got.at(-1)?.keys.map(({ kid }) => kid ?? '') ?? [];
  const open = (options: { refreshMs?: number; timeoutMs?: number } = {}): JwksSource =>
    new JwksSource({
      url,
      refreshMs: 60_000,
      maxStaleMs: 5000,
      timeoutMs: 150,
      gapMs: GAP_MS,
      onKeys: (keys) => got.push(keys),
      onFailure: (reason) => failures.push(reason),
      ...options,
    });

  beforeEach(async () => {
    asked = 0;
    got.length = 0;
    failures.length = 0;
    server = createServer((req, res) => {
      asked++;
      answer(req, res);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    answer = (_, res) => res.end(set('a'));
  });

  afterEach(() => {
    source.stop();
    server.close();
    server.closeAllConnections();
  });

  it('are fetched, and fetched again when somebody knows of another one', async () => {
    source = open();
    await source.start();
    expect(kids()).toEqual(['a']);
    expect(got[0]?.goodUntilMs).toBeGreaterThan(Date.now() + 4000);
    answer = (_, res) => res.end(set('a', 'b'));
    await source.refresh();
    expect(kids()).toEqual(['a', 'b']);
  });

  it('are fetched once for all who ask at the same time, and not right away again', async () => {
    source = open();
    await source.start();
    const startMs = performance.now();
    await Promise.all(Array.from({ length: 1000 }, () => source.refresh()));
    expect(asked).toBe(2);
    expect(performance.now() - startMs).toBeGreaterThan(GAP_MS - 10);
  });

  it('are fetched after one asked, not before', async () => {
    let release = (): void => undefined;
    answer = (_, res) => (release = () => res.end(set('old')));
    source = open({ timeoutMs: 5000 });
    const first = source.start();
    await until('it is asked', () => asked === 1);
    const second = source.refresh();
    answer = (_, res) => res.end(set('new'));
    release();
    await first;
    expect(kids()).toEqual(['old']);
    await second;
    expect(kids()).toEqual(['new']);
  });

  it('come again by themselves', async () => {
    source = open({ refreshMs: 50 });
    await source.start();
    answer = (_, res) => res.end(set('b'));
    await until('they are new', () => kids()[0] === 'b');
  });

  it.each<[string, RequestListener, RegExp]>([
    ['hangs', () => undefined, /timeout|aborted/i],
    ['hangs in the middle', (_, res) => void res.write('{"keys":['), /timeout|aborted|terminated/i],
    ['fails', (_, res) => void res.writeHead(500).end(set('evil')), /answered 500/],
    [
      'sends somebody elsewhere',
      (_, res) => void res.writeHead(302, { location: '/' }).end(),
      /fetch failed|redirect/,
    ],
    ['answers with a page', (_, res) => void res.end('<html>'), /is not JSON/],
    ['has no keys any more', (_, res) => void res.end('{"keys":[]}'), /no key/],
    ['never stops', (_, res) => void res.end(Buffer.alloc(2 * 1024 * 1024, ' ')), /larger than/],
    ['hangs up', (req) => void req.socket.destroy(), /fetch failed|terminated/],
  ])('stay when the issuer %s', async (_, misbehaves, reason) => {
    source = open();
    await source.start();
    answer = misbehaves;
    await source.refresh();
    expect(kids()).toEqual(['a']);
    expect(failures).toEqual([expect.stringMatching(reason)]);
    answer = (_, res) => res.end(set('b'));
    await until('it is tried again', () => kids()[0] === 'b');
  });

  it('are waited for when the issuer is away at the start', async () => {
    answer = (_, res) => void res.writeHead(503).end();
    source = open();
    await source.start();
    expect(got).toEqual([]);
    answer = (_, res) => res.end(set('a'));
    await until('they are there', () => kids()[0] === 'a');
  });
});
