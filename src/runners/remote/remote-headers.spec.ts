import { headerFault } from './remote-headers';

describe('headers of a remote', () => {
  it.each([
    { name: 'x-team', text: 'vision' },
    { name: 'Authorization', variable: 'VENDOR_TOKEN', prefix: 'Bearer ' },
    { name: 'x-api-key', variable: 'VENDOR_KEY', prefix: '' },
  ])('may be %j', (header) => {
    expect(headerFault(header)).toBeUndefined();
  });

  it.each([
    [{ name: 'authorization', text: 'Bearer abc' }, /is a secret/],
    [{ name: 'X-Api-Key', text: 'abc' }, /is a secret/],
    [{ name: 'cookie', text: 'a=b' }, /is a secret/],
    [{ name: 'x-auth-token', text: 'abc' }, /is a secret/],
    [{ name: 'Content-Length', text: '5' }, /by the server itself/],
    [{ name: 'host', text: 'other' }, /by the server itself/],
    [{ name: 'traceparent', text: '00' }, /by the server itself/],
    [{ name: 'x y', text: 'a' }, /no name/],
    [{ name: 'x-a', text: 'a\r\nx-b: c' }, /a value that a header cannot have/],
    [{ name: 'x-a', variable: 'TOKEN', prefix: 'a\n' }, /a prefix that a header cannot have/],
    [{ name: 'x-a', variable: 'SECRET_KEY', prefix: '' }, /this server's own settings/],
  ])('may not be %j', (header, fault) => {
    expect(headerFault(header)).toMatch(fault);
  });
});
