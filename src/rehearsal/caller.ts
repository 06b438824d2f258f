import type { Socket } from 'node:net';

const EMPTY: Buffer = Buffer.alloc(0);
const HEAD_END = '\r\n\r\n';
const LENGTH = 'content-length: ';
const STATUS_AT = 'HTTP/1.1 '.length;

/** A client of one connection, with one request at a time, that looks for no more than the end of an answer. */
export class Caller {
  private received = EMPTY;
  private resolve: ((status: number) => void) | undefined;
  private reject: ((reason: Error) => void) | undefined;

  constructor(private readonly socket: Socket) {
    socket.on('data', (piece: Buffer) => this.take(piece));
    // The close that follows says all.
    socket.on('error', () => undefined);
    socket.once('close', () => this.reject?.(new Error('the connection was closed')));
  }

  /** Sends the bytes of a request. @returns the status of the answer */
  ask(request: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.socket.destroyed) throw new Error('the connection is closed');
      this.resolve = resolve;
      this.reject = reject;
      this.socket.write(request);
    });
  }

  private take(piece: Buffer): void {
    this.received = this.received.length === 0 ? piece : Buffer.concat([this.received, piece]);
    const bodyAt = this.received.indexOf(HEAD_END) + HEAD_END.length;
    if (bodyAt < HEAD_END.length) return;
    const head = this.received.toString('latin1', 0, bodyAt);
    const length = Number.parseInt(head.slice(head.indexOf(LENGTH) + LENGTH.length), 10);
    if (this.received.length < bodyAt + length) return;
    this.received = EMPTY;
    this.resolve?.(Number(head.slice(STATUS_AT, STATUS_AT + 3)));
  }
}
