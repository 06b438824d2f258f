import type { IncomingMessage } from 'node:http';
import { Cors } from './cors';

const request = (headers: Record<string, string>, method = 'POST'): IncomingMessage =>
  ({ headers, method }) as unknown as IncomingMessage;

const asObject = (flat: readonly string[]): Record<string, string> =>
  Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));

describe('CORS', () => {
  const page = request({ origin: 'https://app.example' });
  const program = request({});

  it('lets every page call where any origin is allowed', () => {
    const cors = new Cors({ corsOrigins: ['*'], corsCredentials: false });
    expect(asObject(cors.headers(page))).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('x-request-id') as unknown,
    });
    expect(cors.headers(program)).toEqual([]);
  });

  it('names the origin where only some are allowed, and tells caches that answers differ by it', () => {
    const cors = new Cors({
      corsOrigins: ['https://app.example', 'https://b.example'],
      corsCredentials: true,
    });
    expect(asObject(cors.headers(page))).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-credentials': 'true',
      vary: 'origin',
    });
    expect(cors.headers(request({ origin: 'https://evil.example' }))).toEqual(['vary', 'origin']);
    expect(cors.headers(program)).toEqual(['vary', 'origin']);
  });

  it('says nothing where no origin is allowed', () => {
    const cors = new Cors({ corsOrigins: [], corsCredentials: false });
    expect(cors.headers(page)).toEqual([]);
    expect(cors.preflightHeaders(page)).toEqual([]);
  });

  it('answers what a browser asks before a call', () => {
    const cors = new Cors({ corsOrigins: ['https://app.example'], corsCredentials: false });
    const asked = {
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-priority',
    };
    const preflight = request({ origin: 'https://app.example', ...asked }, 'OPTIONS');
    expect(cors.isPreflight(preflight)).toBe(true);
    expect(asObject(cors.preflightHeaders(preflight))).toMatchObject({
      'access-control-allow-methods': expect.stringContaining('POST') as unknown,
      'access-control-allow-headers': 'content-type,x-priority',
    });
    // Both lists go out in one answer, and a browser refuses an origin that is there twice.
    const names = [...cors.headers(preflight), ...cors.preflightHeaders(preflight)].filter(
      (_, i) => i % 2 === 0,
    );
    expect(new Set(names).size).toBe(names.length);
    const stranger = request({ origin: 'https://evil.example', ...asked }, 'OPTIONS');
    expect(cors.preflightHeaders(stranger)).toEqual([]);
  });

  it.each<[string, IncomingMessage]>([
    ['another method', request({ origin: 'a', 'access-control-request-method': 'POST' }, 'GET')],
    ['OPTIONS without an origin', request({ 'access-control-request-method': 'POST' }, 'OPTIONS')],
    ['OPTIONS that asks for no method', request({ origin: 'a' }, 'OPTIONS')],
  ])('does not take %s for such a question', (_, req) => {
    expect(new Cors({ corsOrigins: ['*'], corsCredentials: false }).isPreflight(req)).toBe(false);
  });

  it('are none for a change, unless the origin is named', () => {
    const any = new Cors({ corsOrigins: ['*', 'https://named.example'], corsCredentials: false });
    const from = (origin: string) => ({ headers: { origin } }) as IncomingMessage;
    expect(any.headers(from('https://a.example'), false)).toContain('*');
    expect(any.headers(from('https://a.example'), true)).toEqual(['vary', 'origin']);
    expect(any.preflightHeaders(from('https://a.example'), true)).toEqual([]);
    expect(any.preflightHeaders(from('https://named.example'), true)).not.toEqual([]);
  });
});
