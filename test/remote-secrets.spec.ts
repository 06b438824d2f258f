// Before the settings are read, which is once.
process.env.REMOTE_SECRET_NAMES = 'TEST_VENDOR_TOKEN,TEST_ODD_TOKEN,TEST_NO_TOKEN';
process.env.TEST_UNLISTED_TOKEN = 'unlisted';

import { resolveHeaders } from '../src/runners/remote/remote-headers';

describe('headers of a remote', () => {
  it('get their secrets from the environment, and never show them', () => {
    process.env.TEST_VENDOR_TOKEN = ' tok-1\n';
    process.env.TEST_ODD_TOKEN = 'tok\r\nx-b: c';
    const secret = (variable: string) => [{ name: 'Authorization', variable, prefix: 'Bearer ' }];
    const { values, secrets } = resolveHeaders([
      { name: 'X-Team', text: 'a' },
      ...secret('TEST_VENDOR_TOKEN'),
    ]);
    expect(values).toEqual({
      'x-team': 'a',
      authorization: 'Bearer tok-1',
    });
    expect(secrets).toEqual(['tok-1']);
    expect(() => resolveHeaders(secret('TEST_NO_TOKEN'))).toThrow(/TEST_NO_TOKEN of a header is not set/);
    expect(() => resolveHeaders(secret('TEST_UNLISTED_TOKEN'))).toThrow(
      'a header names the environment variable TEST_UNLISTED_TOKEN, which REMOTE_SECRET_NAMES does not list',
    );
    expect(() => resolveHeaders(secret('TEST_ODD_TOKEN'))).toThrow(
      /TEST_ODD_TOKEN has what no header can hold$/,
    );
  });
});
