/**
 * The header fields that clients of several kinds send with a request, in their order. Each order makes objects of
 * another hidden class; what was compiled for one alone would be thrown away at the first request of another.
 */
export type Client = (contentFields: readonly string[], lengthBytes: number) => readonly string[];

const HOST = 'Host: localhost:8000';

export const CLIENTS: readonly Client[] = [
  // curl
  (content, length) => [
    HOST,
    'User-Agent: curl/8.5.0',
    'Accept: */*',
    ...content,
    `Content-Length: ${length}`,
  ],
  // Python's requests
  (content, length) => [
    HOST,
    'User-Agent: python-requests/2.32.3',
    'Accept-Encoding: gzip, deflate',
    'Accept: */*',
    'Connection: keep-alive',
    ...content,
    `Content-Length: ${length}`,
  ],
  // Go
  (content, length) => [
    HOST,
    'User-Agent: Go-http-client/1.1',
    `Content-Length: ${length}`,
    ...content,
    'Accept-Encoding: gzip',
  ],
  // Node's fetch
  (content, length) => [
    HOST,
    'connection: keep-alive',
    ...content,
    'accept: */*',
    'accept-language: *',
    'sec-fetch-mode: cors',
    'user-agent: node',
    'accept-encoding: gzip, deflate',
    `content-length: ${length}`,
  ],
  // As little as there can be.
  (content, length) => [HOST, `Content-Length: ${length}`, ...content],
];
