const net = require('node:net');

// Every piece of an answer is dealt with before the next one is read, so all connections share one buffer.
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const LONGEST_HEAD = 16 * 1024;

/**
 * One connection that sends a prepared request and takes in one answer, again and again. It looks at no more of
 * an answer than its status, its length and whether the connection stays, so that it costs little beside a server.
 */
class Connection {
  /**
   * After `opened()` and `answered(status)` a request may be sent, if the connection `isOpen`; `closed(inFlight)`
   * comes once, when nothing more can.
   */
  constructor(port, handlers) {
    this.handlers = handlers;
    this.isOpen = false;
    this.inFlight = false;
    /** When the request in flight was due, in milliseconds of `performance.now()`. */
    this.dueMs = 0;
    this.head = undefined;
    this.status = 0;
    this.bodyLeft = 0;
    this.stays = true;
    const onread = {
      buffer: READ_BUFFER,
      callback: (length, buffer) => this.#read(buffer.subarray(0, length)),
    };
    this.socket = net.connect({ host: '127.0.0.1', port, noDelay: true, onread });
    this.socket.on('connect', () => {
      this.isOpen = true;
      handlers.opened();
    });
    this.socket.on('error', () => this.close());
    this.socket.on('close', () => this.close());
  }

  send(request, dueMs) {
    this.inFlight = true;
    this.dueMs = dueMs;
    this.socket.write(request);
  }

  close() {
    if (this.socket === undefined) return;
    this.socket.destroy();
    this.socket = undefined;
    this.isOpen = false;
    this.handlers.closed(this.inFlight);
  }

  #read(bytes) {
    if (this.status === 0) {
      const seen = this.head ? Buffer.concat([this.head, bytes]) : bytes;
      const end = seen.indexOf(END_OF_HEAD);
      if (end === -1) {
        this.head = Buffer.from(seen);
        if (seen.length > LONGEST_HEAD) this.close();
        return true;
      }
      this.head = undefined;
      this.#readHead(seen.latin1Slice(0, end));
      bytes = seen.subarray(end + END_OF_HEAD.length);
    }
    this.bodyLeft -= bytes.length;
    if (this.bodyLeft <= 0) this.#finish();
    return true;
  }

  #readHead(head) {
    this.status = Number(head.slice(9, 12));
    // Without a length an answer would end with its connection; no server here does that.
    this.bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.stays = !/\r\nconnection: *close/i.test(head);
  }

  #finish() {
    const { status } = this;
    this.status = 0;
    this.inFlight = false;
    if (!this.stays) this.close();
    this.handlers.answered(status);
  }
}

module.exports = { Connection };
