import type { IncomingMessage } from 'node:http';
import { clientAddresses, type TrustedProxies } from './client-address';

function addressOf(
  trusted: TrustedProxies,
  remoteAddress: string,
  forwardedFor?: string,
): string | undefined {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  const req = { headers, socket: { remoteAddress } } as unknown as IncomingMessage;
  const find = clientAddresses(trusted);
  return find === undefined ? remoteAddress : find(req);
}

describe("a client's address", () => {
  it.each<TrustedProxies>([0, []])('is that of the connection where no proxy is trusted (%j)', (trusted) => {
    expect(addressOf(trusted, '10.0.0.1', '1.2.3.4')).toBe('10.0.0.1');
  });

  it.each<[TrustedProxies, string, string | undefined, string]>([
    [1, '10.0.0.1', '1.2.3.4', '1.2.3.4'],
    // What a client made up stands before what the proxy has seen.
    [1, '10.0.0.1', '9.9.9.9, 1.2.3.4', '1.2.3.4'],
    [2, '10.0.0.1', '9.9.9.9, 1.2.3.4, 10.0.0.2', '1.2.3.4'],
    [3, '10.0.0.1', '1.2.3.4', '1.2.3.4'],
    [1, '10.0.0.1', undefined, '10.0.0.1'],
    [1, '10.0.0.1', '', '10.0.0.1'],
    [1, '10.0.0.1', 'unknown', '10.0.0.1'],
    [1, '10.0.0.1', '1.2.3.4:5678', '1.2.3.4'],
    [1, '10.0.0.1', '[2001:db8::1]:443', '2001:db8::1'],
    [1, '10.0.0.1', '2001:db8::1', '2001:db8::1'],
    [['10.0.0.0/8'], '10.0.0.1', '9.9.9.9, 1.2.3.4, 10.3.0.2', '1.2.3.4'],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', '1.2.3.4', '1.2.3.4'],
    [['10.0.0.0/8'], '172.16.0.1', '1.2.3.4', '172.16.0.1'],
    [['10.0.0.0/8'], '10.0.0.1', '10.0.0.9', '10.0.0.9'],
    [['10.0.0.1', 'fd00::/8'], 'fd00::5', '1.2.3.4, 10.0.0.1', '1.2.3.4'],
    [['10.0.0.0/8'], '10.0.0.1', '1.2.3.4, <script>', '10.0.0.1'],
  ])('with %j trusted, from %s with %j, is %s', (trusted, remote, forwardedFor, expected) => {
    expect(addressOf(trusted, remote, forwardedFor)).toBe(expected);
  });

  it('looks at no more entries than a chain of proxies has', () => {
    expect(addressOf(1000, '10.0.0.1', '9.9.9.9,'.repeat(10_000) + '1.2.3.4')).toBe('9.9.9.9');
  });
});
