import { request } from 'node:http';

/** What became of one request: an answer, or what it was lost of. */
export interface Asked {
  /** 0: it was lost. */
  readonly status: number;
  readonly text: string;
  /** The client's end of its connection, as far as there was one. */
  readonly port: number | undefined;
  readonly sentMs: number;
  readonly lostMs: number;
}

/** Longer than any answer takes. */
const PATIENCE_MS = 120_000;

/** Posts JSON once, on a connection of its own, and is never sent again by anybody. */
export function askOnce(serverPort: number, path: string, body: string): Promise<Asked> {
  const sentMs = performance.now();
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const options = { host: '127.0.0.1', port: serverPort, path, method: 'POST', agent: false, headers };
  return new Promise((resolve) => {
    let port: number | undefined;
    const settle = (status: number, text: string): void =>
      resolve({ status, text, port, sentMs, lostMs: performance.now() });
    const lost = (error: Error): void => settle(0, String(error));
    const req = request(options, (res) => {
      const pieces: Buffer[] = [];
      res.on('data', (piece: Buffer) => pieces.push(piece)).on('error', lost);
      res.on('end', () => settle(res.statusCode ?? 0, Buffer.concat(pieces).toString()));
    });
    req.on('socket', (socket) => socket.once('connect', () => (port = socket.localPort)));
    req.setTimeout(PATIENCE_MS, () => req.destroy(new Error('left waiting')));
    req.on('error', lost).end(body);
  });
}
