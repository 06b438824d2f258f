import type { IncomingMessage } from 'node:http';
import { toOriginForm } from './route-table';

describe('the target of a request', () => {
  it.each([
    ['/v2/models', '/v2/models', 'here'],
    ['//v2/models', '//v2/models', 'here'],
    ['http://other:81/v2?a=http://x/', '/v2?a=http://x/', 'other:81'],
    ['HTTPS://other/v2', '/v2', 'other'],
    ['http://other', '/', 'other'],
    ['http://other?a=b', '/?a=b', 'other'],
    ['http://user:word@other/', '/', 'user:word@other'],
    ['ftp://other/v2', 'ftp://other/v2', 'here'],
    ['*', '*', 'here'],
  ])('%s becomes %s of %s', (url, path, host) => {
    const req = { url, headers: { host: 'here' } } as IncomingMessage;
    toOriginForm(req);
    expect([req.url, req.headers.host]).toEqual([path, host]);
  });
});
