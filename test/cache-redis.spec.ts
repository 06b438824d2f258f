import { createCache } from 'cache-manager';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeEntry } from '../src/cache/entry-codec';
import { RedisGuard } from '../src/cache/redis/redis-guard';
import { RedisTier } from '../src/cache/redis/redis-tier';
import { keyvOver } from '../src/cache/redis/redis.module';
import type { Tensor } from '../src/tensors/tensor';
import { TestRedis, TestTcp } from './helpers/redis';
import { describeWith } from './helpers/requirements-of-tests';
import { until } from './helpers/until';
import { KeptLog } from '../src/telemetry/logging/testing/kept-log';

/** Where Redis is to be too late, and where it is not, on a slow machine either. */
const TIMEOUT_MS = 50;
const PATIENT_MS = 5000;
const TTL_MS = 60_000;
const AGELESS = -Infinity;
const KEY = 'test:m:key';
const outputs: Tensor[] = [
  { name: 'y', datatype: 'FP32', shape: [3], data: Float32Array.of(NaN, -0, 0.1) },
  { name: 's', datatype: 'BYTES', shape: [2], data: ['naïve', ''] },
];
const entry = () => ({ outputs, bornMs: performance.now() });
const always = (): boolean => true;

interface Subject {
  readonly tier: RedisTier;
  readonly guard: RedisGuard;
  readonly lines: object[];
}

const open: Subject[] = [];
afterEach(async () => {
  for (const { guard } of open.splice(0)) await guard.close();
});

/** The tier as the module makes it. */
function tierFor(url: string, timeoutMs = TIMEOUT_MS, maxPendingWrites = 64): Subject {
  const log = new KeptLog();
  const guard = new RedisGuard({
    url,
    timeoutMs,
    probeKey: 'test:probe',
    logger: log,
  });
  const subject = {
    tier: new RedisTier(createCache({ stores: [keyvOver(guard, 'test')] }), guard, maxPendingWrites),
    guard,
    lines: log.events,
  };
  open.push(subject);
  guard.start();
  return subject;
}

async function connected(url: string, timeoutMs = PATIENT_MS): Promise<Subject> {
  const subject = tierFor(url, timeoutMs);
  await until('Redis is connected', () => subject.tier.state === 'connected');
  return subject;
}

async function write({ tier }: Subject, key = KEY): Promise<void> {
  tier.set(key, entry(), TTL_MS, always);
  await tier.settled();
}

/** Asks until the tier stops asking. */
async function untilOpen({ tier }: Subject): Promise<void> {
  await until('the circuit is open', async () => {
    await tier.get(KEY, AGELESS);
    return tier.state === 'unreachable';
  });
}

/** Asks and tells until both succeed. */
async function usedAgain(subject: Subject): Promise<void> {
  await until('Redis is used again', async () => {
    if (subject.tier.state !== 'connected') return false;
    await write(subject);
    return (await subject.tier.get(KEY, AGELESS)) !== undefined;
  });
}

describeWith('redis-server', 'the Redis tier', (program) => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await TestRedis.start(program);
  });
  beforeEach(() => redis.command('FLUSHALL'));
  afterAll(() => redis.kill());

  it('gives another worker what one has written, bit by bit, with its age', async () => {
    const [one, other] = [await connected(redis.url), await connected(redis.url)];
    const bornMs = performance.now() - 5000;
    one.tier.set(KEY, { outputs, bornMs }, TTL_MS, always);
    await one.tier.settled();
    const found = await other.tier.get(KEY, AGELESS);
    expect(found?.outputs).toEqual(outputs);
    expect(found?.bornMs).toBeCloseTo(bornMs, -1);
    expect(await other.tier.get(KEY, bornMs + 1000)).toBeUndefined();
    expect(other.tier.counters).toMatchObject({ hits: 1, misses: 1, unreadable: 0 });
    expect(one.tier.counters).toMatchObject({ stored: 1, dropped: 0 });
  });

  it('gives its keys an end in whole milliseconds', async () => {
    const subject = await connected(redis.url);
    subject.tier.set(KEY, { outputs, bornMs: performance.now() - 1000.4 }, 10_000, always);
    await subject.tier.settled();
    const leftMs = Number(await redis.command('PTTL', KEY));
    expect(leftMs).toBeGreaterThan(5000);
    expect(leftMs).toBeLessThanOrEqual(9000);
    subject.tier.set('test:m:old', { outputs, bornMs: performance.now() - 10_001 }, 10_000, always);
    await subject.tier.settled();
    expect(await redis.keys()).toEqual([KEY]);
  });

  it('does not write what is not wanted any more', async () => {
    const subject = await connected(redis.url);
    subject.tier.set(KEY, entry(), TTL_MS, () => false);
    await subject.tier.settled();
    expect(await redis.keys()).toEqual([]);
  });

  it('drops writes beyond its bound, and counts them', async () => {
    const subject = tierFor(redis.url, PATIENT_MS, 2);
    await until('Redis is connected', () => subject.tier.state === 'connected');
    for (let i = 0; i < 5; i++) subject.tier.set(`test:m:${i}`, entry(), TTL_MS, always);
    await subject.tier.settled();
    expect(await redis.keys()).toHaveLength(2);
    expect(subject.tier.counters).toMatchObject({ stored: 2, dropped: 3 });
  });

  it('clears by prefix, leaves what is not its own, and does it by SCAN and UNLINK', async () => {
    const subject = await connected(redis.url);
    const sets = ['test:m:', 'test:mm:', 'other:m:'].flatMap((prefix) =>
      Array.from({ length: 1500 }, (_, i) => [`${prefix}${i}`, 'x']).flat(),
    );
    await redis.command('MSET', ...sets);
    await redis.command('CONFIG', 'RESETSTAT');
    expect(await subject.tier.clear('test:m:')).toBe(1500);
    expect(await subject.tier.clear('test:')).toBe(1500);
    expect((await redis.keys()).filter((key) => !key.startsWith('other:m:'))).toEqual([]);
    const commands = String(await redis.command('INFO', 'commandstats'));
    expect(commands).toMatch(/cmdstat_scan:/);
    expect(commands).toMatch(/cmdstat_unlink:/);
    expect(commands).not.toMatch(/flush/);
  });

  const stored = (text: string): string => JSON.stringify({ value: text, expires: null });
  // What is an entry in form is removed as soon as it is seen to be none.
  it.each<[string, string[], number?]>([
    [
      'cut off in its base64',
      ['SET', KEY, stored(encodeEntry(KEY, { outputs, bornAtMs: 1 }).slice(0, -8))],
      1,
    ],
    ['cut off in its JSON', ['SET', KEY, stored(encodeEntry(KEY, { outputs, bornAtMs: 1 })).slice(0, -20)]],
    ['of another key', ['SET', KEY, stored(encodeEntry('test:m:other', { outputs, bornAtMs: 1 }))], 1],
    [
      'of another format version',
      ['SET', KEY, stored(`Ag${encodeEntry(KEY, { outputs, bornAtMs: 1 }).slice(2)}`)],
      1,
    ],
    ['no JSON', ['SET', KEY, 'hello']],
    ['other JSON', ['SET', KEY, '[1,2]']],
    ['a number', ['SET', KEY, '5']],
    ['a value that is no text', ['SET', KEY, '{"value":{"y":[1]}}']],
    ['empty', ['SET', KEY, '']],
    ['a list', ['RPUSH', KEY, 'x']],
  ])('takes an entry that is %s for none, and goes on', async (_, command, seen = 5) => {
    const subject = await connected(redis.url);
    await redis.command(...command);
    for (let i = 0; i < 5; i++) expect(await subject.tier.get(KEY, AGELESS)).toBeUndefined();
    expect(subject.tier.counters).toMatchObject({ unreadable: seen, misses: 5, readErrors: 0 });
    expect(subject.tier.state).toBe('connected');
  });

  describe('when Redis fails', () => {
    it('starts without it, and uses it when it comes', async () => {
      const late = await TestRedis.start(program);
      await late.kill();
      const subject = tierFor(late.url);
      expect(await subject.tier.get(KEY, AGELESS)).toBeUndefined();
      await write(subject);
      expect(subject.tier.counters).toMatchObject({ skipped: 1, dropped: 1 });
      await late.begin();
      await usedAgain(subject);
      await late.kill();
    });

    it('goes on when it is killed, also in the middle of a large answer', async () => {
      const own = await TestRedis.start(program);
      const subject = await connected(own.url, TIMEOUT_MS);
      await own.command('SET', KEY, 'x'.repeat(20_000_000));
      const asked = subject.tier.get(KEY, AGELESS);
      await own.kill();
      expect(await asked).toBeUndefined();
      expect(subject.tier.state).toBe('unreachable');
      expect(await subject.tier.get(KEY, AGELESS)).toBeUndefined();
      await own.begin();
      await usedAgain(subject);
      await own.kill();
    });

    it('stops asking it when it is stopped, and asks again when it goes on', async () => {
      const own = await TestRedis.start(program);
      const subject = await connected(own.url, TIMEOUT_MS);
      own.freeze();
      await untilOpen(subject);
      const { readTimeouts } = subject.tier.counters;
      expect(readTimeouts).toBeGreaterThanOrEqual(1);
      await Promise.all(Array.from({ length: 100 }, () => subject.tier.get(KEY, AGELESS)));
      expect(subject.tier.counters.readTimeouts).toBe(readTimeouts);
      // Longer than a connection that hangs is kept.
      await sleep(1500);
      expect(subject.tier.state).toBe('unreachable');
      own.thaw();
      await usedAgain(subject);
      await own.kill();
    });

    it('notices that it hangs although nobody asks', async () => {
      const own = await TestRedis.start(program);
      const subject = await connected(own.url, TIMEOUT_MS);
      own.freeze();
      await until('it is noticed', () => subject.tier.state === 'unreachable');
      own.thaw();
      await usedAgain(subject);
      await own.kill();
    });

    it('stops asking it while it is slow', async () => {
      const proxy = await TestTcp.proxy(redis.port);
      const subject = await connected(proxy.url, TIMEOUT_MS);
      proxy.delayMs = 200;
      await untilOpen(subject);
      const { opened } = subject.guard;
      await sleep(1000);
      expect([subject.tier.state, subject.guard.opened]).toEqual(['unreachable', opened]);
      proxy.delayMs = 0;
      await usedAgain(subject);
      await proxy.close();
    });

    it('connects anew however often connections break', async () => {
      const proxy = await TestTcp.proxy(redis.port);
      const subject = await connected(proxy.url, TIMEOUT_MS);
      for (let i = 0; i < 20; i++) {
        proxy.cut();
        await Promise.all([subject.tier.get(KEY, AGELESS), write(subject), sleep(20)]);
      }
      await usedAgain(subject);
      // One from the tier to the proxy, one from there to Redis.
      expect(proxy.connections).toBe(2);
      await proxy.close();
    });

    it('reads on where it is full, and writes again when there is room', async () => {
      const own = await TestRedis.start(program, '--maxmemory-policy', 'noeviction');
      const subject = await connected(own.url);
      await write(subject);
      await own.command('CONFIG', 'SET', 'maxmemory', '1');
      for (let i = 0; i < 3; i++) await write(subject, `test:m:${i}`);
      expect(subject.tier.state).toBe('read-only');
      expect(subject.tier.counters).toMatchObject({ stored: 1, dropped: 3, writeErrors: 3 });
      expect(await subject.tier.get(KEY, AGELESS)).toBeDefined();
      await write(subject);
      expect(subject.tier.counters).toMatchObject({ dropped: 4, writeErrors: 3 });
      await own.command('CONFIG', 'SET', 'maxmemory', '0');
      await usedAgain(subject);
      await own.kill();
    });

    it('reads on where it is a replica that takes no writes', async () => {
      const own = await TestRedis.start(program);
      const subject = await connected(own.url);
      await write(subject);
      await own.command('REPLICAOF', '127.0.0.1', '1');
      for (let i = 0; i < 3; i++) await write(subject, `test:m:${i}`);
      expect(subject.tier.state).toBe('read-only');
      expect(await subject.tier.get(KEY, AGELESS)).toBeDefined();
      await own.command('REPLICAOF', 'NO', 'ONE');
      await usedAgain(subject);
      await own.kill();
    });

    it('is refused with a wrong password, and never says which', async () => {
      const own = await TestRedis.start(program, '--requirepass', 'r1ght');
      const subject = tierFor(own.url.replace('://', '://:wr0ng-w0rd@'));
      await until('it is said', () => subject.lines.length > 0);
      expect(subject.tier.state).toBe('unreachable');
      expect(JSON.stringify(subject.lines)).toMatch(/WRONGPASS/);
      expect(JSON.stringify(subject.lines)).not.toMatch(/wr0ng|redis:\/\//);
      const right = await connected(own.url.replace('://', '://:r1ght@'));
      await write(right);
      expect(await right.tier.get(KEY, AGELESS)).toBeDefined();
      await own.kill();
    });
  });

  describe('when what answers is no Redis', () => {
    const pong = '+PONG\r\n';
    it.each<[string, (request: Buffer) => Buffer | string | undefined]>([
      ['an HTTP server', () => 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n'],
      ['random bytes', () => randomBytes(2000)],
      ['more replies than questions', () => '+OK\r\n:1\r\n$-1\r\n+OK\r\n'],
      ['negative lengths', () => '*-7\r\n'],
      ['absurd lengths', () => '*99999999999\r\n'],
      ['a value that never ends', () => `$${10 ** 9}\r\nabc`],
      ['nothing', () => ''],
      ['a closed door', () => undefined],
      [
        'PONG, and nonsense for the rest',
        (request) => (request.includes('PING') ? pong : '*2\r\n:1\r\n$3\r\nabc\r\n'),
      ],
      [
        'PONG, and a value of somebody else',
        (request) => (request.includes('PING') ? pong : '$26\r\n{"value":"AQID","other":1}\r\n\r\n'),
      ],
    ])('survives %s', async (_, say) => {
      const talker = await TestTcp.talker(say);
      const subject = tierFor(talker.url);
      for (let i = 0; i < 30; i++) {
        expect(await subject.tier.get(KEY, AGELESS)).toBeUndefined();
        await write(subject);
        await sleep(10);
      }
      expect(subject.tier.counters.hits).toBe(0);
      expect(talker.connections).toBeLessThanOrEqual(2);
      await talker.close();
    });
  });
});
