import { LocalRule, type Provenance } from './local-rule';

const rule = (
  listenHost: string,
  fields: { allowedHosts?: string[]; corsOrigins?: string[] } = {},
): LocalRule => new LocalRule({ listenHost, allowedHosts: [], corsOrigins: ['*'], ...fields });

const request = (fields: Partial<Provenance> = {}): Provenance => ({
  host: 'localhost:8000',
  origin: undefined,
  remoteAddress: '127.0.0.1',
  forwarded: false,
  ...fields,
});

describe('a change without credentials', () => {
  const everywhere = rule('0.0.0.0');

  it.each<Partial<Provenance>>([
    {},
    { host: '127.0.0.1' },
    { host: 'LocalHost:9' },
    { host: '[::1]:8000', remoteAddress: '::1' },
    { remoteAddress: '::ffff:127.0.0.1' },
    { remoteAddress: '127.9.9.9' },
    { origin: 'http://localhost:8000' },
  ])('may be made from here: %j', (fields) => expect(everywhere.refusal(request(fields))).toBeUndefined());

  it.each<[Partial<Provenance>, RegExp]>([
    [{ remoteAddress: '172.17.0.1' }, /does not come from this machine/],
    [{ remoteAddress: '::ffff:10.0.0.1' }, /does not come from this machine/],
    [{ remoteAddress: '127.0.0.1.example' }, /does not come from this machine/],
    [{ remoteAddress: undefined }, /does not come from this machine/],
    [{ forwarded: true }, /proxy/],
    [{ host: 'evil.example' }, /Host/],
    [{ host: 'localhost.evil.example' }, /Host/],
    [{ host: 'localhost@evil.example' }, /Host/],
    [{ host: 'localhost, evil.example' }, /Host/],
    [{ host: '127.0.0.1:80:80' }, /Host/],
    [{ host: '' }, /Host/],
    [{ host: undefined }, /Host/],
    [{ origin: 'https://evil.example' }, /origin/],
    [{ origin: 'null' }, /origin/],
    [{ origin: 'http://localhost:3000' }, /origin/],
    [{ origin: 'http://localhost' }, /origin/],
  ])('may not be made from elsewhere: %j', (fields, reason) =>
    expect(everywhere.refusal(request(fields))).toMatch(reason),
  );

  it('may be made by names and origins that are allowed', () => {
    const open = rule('0.0.0.0', { allowedHosts: ['nestor.test'], corsOrigins: ['https://app.example'] });
    expect(
      open.refusal(request({ host: 'nestor.test:8000', origin: 'https://app.example' })),
    ).toBeUndefined();
    expect(open.refusal(request({ origin: 'https://other.example' }))).toMatch(/origin/);
  });
});

describe('a request on a loopback address', () => {
  it.each(['127.0.0.1', '::1', 'localhost', '127.1.2.3'])('must name this machine: %s', (listenHost) => {
    expect(rule(listenHost).isMisdirected('evil.example')).toBe(true);
    expect(rule(listenHost).isMisdirected('localhost:1')).toBe(false);
    expect(rule(listenHost).isMisdirected(undefined)).toBe(false);
    expect(rule(listenHost, { allowedHosts: ['evil.example'] }).isMisdirected('Evil.example:80')).toBe(false);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com'])('may name any elsewhere: %s', (listenHost) => {
    expect(rule(listenHost).isMisdirected('evil.example')).toBe(false);
  });
});
