import { isAuditLine } from './log-line';
import { createAuditLogger, createLogger } from './process-log';

let written: string;
const logger = createLogger(
  'debug',
  { service: 'scores', pid: 42, worker: 3 },
  { write: (line: string) => (written += line) },
);

beforeEach(() => {
  written = '';
});

const logged = () => JSON.parse(written) as Record<string, unknown>;

describe('createLogger', () => {
  it('writes the level first, then the time, the process and the message', () => {
    logger.info({ model: 'iris' }, 'loaded');
    expect(written).toMatch(
      /^\{"level":"info","time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","service":"scores","pid":42,"worker":3,"model":"iris","msg":"loaded"\}\n$/,
    );
  });

  it('keeps levels below its own to itself', () => {
    logger.trace('nothing');
    expect(written).toBe('');
  });

  it.each([
    ['a header', { authorization: 'hunter2' }],
    ['the headers of a request', { req: { headers: { cookie: 'hunter2', 'x-api-key': 'hunter2' } } }],
    ['settings', { config: { redisUrl: 'hunter2', secretKey: 'hunter2' } }],
    ['a deep place', { a: { b: { c: { password: 'hunter2' } } } }],
    ['a child', undefined],
    ['the body of a request', { request: { body: 'hunter2' } }],
    ['a tensor', { inputs: [{ name: 'x', data: ['hunter2'] }] }],
    ['another spelling', { headers: { 'X-API-Key': 'hunter2', access_token: 'hunter2' } }],
    ['any depth', { a: [{ b: [{ c: [{ d: [{ e: 'hunter2' }] }] }] }] }],
    ['a URL', { url: 'redis://user:hunter2@host:6379/0' }],
    ['a query', { url: '/path?token=hunter2&other=1' }],
    ['a bearer', { note: 'sent Bearer hunter2' }],
    ['an API key', { note: `sent nk_abcdefgh_hunter2${'x'.repeat(36)}` }],
    ['a token', { note: 'sent eyJhbGciOiJIUzI1NiJ9.hunter2.c2ln' }],
    ['the admin key', { settings: { adminKey: 'hunter2' } }],
  ])('keeps secrets out of %s', (_, fields) => {
    (fields === undefined ? logger.child({ token: 'hunter2' }) : logger).info(fields ?? {}, 'said');
    expect(written).toContain('"msg":"said"');
    expect(written).not.toContain('hunter2');
    expect(() => logged()).not.toThrow();
  });

  it('keeps secrets out of the message and of errors', () => {
    const error = new Error('connect to redis://:hunter2@host failed', { cause: new Error('Basic hunter2') });
    logger.error(error, 'no redis://:hunter2@host');
    expect(written).toContain('[redacted]');
    expect(written).not.toContain('hunter2');
  });

  it('says how much it left out of what could be a tensor', () => {
    logger.info({ values: new Float32Array(3), list: Array.from({ length: 1_000 }, (_, index) => index) });
    expect(logged()).toMatchObject({ values: '[12 bytes]' });
    expect((logged()['list'] as unknown[]).slice(18)).toEqual([18, 19, '[980 more]']);
  });

  it('writes what goes in a circle, dates, and children with fields of their own', () => {
    const circle: Record<string, unknown> = { at: new Date(0) };
    circle['self'] = circle;
    logger.child({ requestId: 'abc' }).info({ circle }, 'said');
    expect(logged()).toMatchObject({ requestId: 'abc', circle: { at: '1970-01-01T00:00:00.000Z' } });
  });
});

describe('createAuditLogger', () => {
  it('writes lines that are told apart by their beginning, whatever the level, and without secrets', () => {
    createAuditLogger({ service: 'scores', pid: 42 }, { write: (line: string) => (written += line) }).audit({
      msg: 'POST /x by ci: done',
      caller: 'ci',
      token: 'hunter2',
    });
    expect(isAuditLine(Buffer.from(written))).toBe(true);
    expect(written).not.toContain('hunter2');
    expect(logged()).toMatchObject({ level: 'audit', caller: 'ci', msg: 'POST /x by ci: done' });
    written = '';
    logger.warn('x');
    expect(isAuditLine(Buffer.from(written))).toBe(false);
  });
});
