import { PassingMap } from '../common/passing';
import { createServer, type Socket } from 'node:net';
import { DomainError, ERRORS } from '../errors/domain-error';
import { nativeErrorBody } from '../http/errors/error-body';
import { emptyBacklog } from '../http/node/graceful-close';
import type { ConnectionReply, ConnectionToWorker } from '../process/ipc/connection-messages';
import { requestIdFrom } from '../telemetry/logging/request-id';

/** A worker that has not taken its connection by the next look is asked for it. */
const LOOK_MS = 250;
/** How long one who was refused may take to read that. */
const FAREWELL_MS = 1000;

/** A worker's end of the line that connections go by. */
export interface Taker {
  hand(message: ConnectionToWorker, socket?: Socket): void;
}

export interface HandoverOptions {
  /** How long connections wait for a worker where there is none: several starts, and less than clients wait. */
  readonly patienceMs: number;
  /** Does a client expect TLS? Then one without a worker cannot be told why it is refused. */
  readonly tls: boolean;
}

interface Handed {
  readonly id: number;
  readonly socket: Socket;
  /** Looks that have found it not taken yet. */
  looks: number;
}

/**
 * Listens in place of the workers, and hands each connection to one of them in turn: to one that has taken all that it
 * was handed, so that none waits behind a worker that stands still. What a worker did not take (it died before, or had
 * no descriptor left) is handed to another: this process keeps its own descriptor until the worker's word, and a worker
 * gives that before it reads anything.
 */
export class Handover {
  private readonly server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
    // Nobody reads here: who is to serve it will see what is wrong.
    socket.on('error', () => undefined);
    if (this.deserted) this.refuse(socket);
    else this.waiting.push(socket);
    this.hand();
  });
  private readonly waiting: Socket[] = [];
  /** What each that is alive was handed and has not taken. */
  private readonly handed = new PassingMap<Taker, Handed>();
  /** Those that are handed connections. */
  private readonly takers = new Set<Taker>();
  /** Of them, those that may be handed one now, the longest idle first. */
  private readonly free: Taker[] = [];
  private lastId = 0;
  private look: NodeJS.Timeout | undefined;
  private patience: NodeJS.Timeout | undefined;
  /** Has there been no worker for so long that waiting is no use? */
  private deserted = false;
  private onSettled: (() => void) | undefined;

  constructor(private readonly options: HandoverOptions) {}

  /** @throws what Node says where the port cannot be had */
  listen(port: number, host: string): Promise<void> {
    this.look = setInterval(() => this.lookAfterAll(), LOOK_MS).unref();
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        // What fails later (no descriptor left to accept with) leaves the port as it is.
        this.server.off('error', reject).on('error', () => undefined);
        resolve();
      });
    });
  }

  /** From now on this one is handed connections. */
  add(taker: Taker): void {
    clearTimeout(this.patience);
    this.deserted = false;
    this.takers.add(taker);
    this.free.push(taker);
    this.hand();
  }

  /** It is handed no more. What it was handed before it still takes. */
  remove(taker: Taker): void {
    if (!this.takers.delete(taker)) return;
    this.rest(taker);
    if (this.takers.size > 0) return;
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.desert(), this.options.patienceMs).unref();
  }

  /** It has ended, and its last word was heard. */
  gone(taker: Taker): void {
    this.remove(taker);
    this.takeBack(taker);
  }

  hear(taker: Taker, { id, taken }: ConnectionReply): void {
    const handed = this.handed.get(taker);
    if (handed?.id !== id) return;
    if (!taken) {
      // It will not take the next one either, just now: it becomes free at the next look.
      this.rest(taker);
      this.takeBack(taker);
      return;
    }
    this.handed.delete(taker);
    // The worker has a descriptor of its own: the connection goes on.
    handed.socket.destroy();
    if (this.takers.has(taker)) this.free.push(taker);
    this.hand();
  }

  /**
   * Closes the port, and resolves when all that it took, what the system had accepted included, has been taken by a
   * worker or has got an answer.
   * @param timeoutMs how long workers may take for that
   */
  async close(timeoutMs: number): Promise<void> {
    clearTimeout(this.patience);
    if (this.server.listening) {
      await emptyBacklog(this.server);
      this.server.close();
    }
    if (this.takers.size > 0 && !this.settled) {
      await new Promise<void>((resolve) => {
        this.onSettled = resolve;
        setTimeout(resolve, timeoutMs).unref();
      });
    }
    clearInterval(this.look);
    this.desert();
  }

  private get settled(): boolean {
    return this.waiting.length === 0 && this.handed.size === 0;
  }

  private hand(): void {
    while (this.waiting.length > 0 && this.free.length > 0) {
      const socket = this.waiting.shift()!;
      const taker = this.free.shift()!;
      const id = ++this.lastId;
      this.handed.set(taker, { id, socket, looks: 0 });
      taker.hand({ kind: 'connection', id }, socket);
    }
    if (this.settled) this.onSettled?.();
  }

  private takeBack(taker: Taker): void {
    const handed = this.handed.get(taker);
    this.handed.delete(taker);
    if (handed !== undefined) {
      if (this.deserted) this.refuse(handed.socket);
      else this.waiting.unshift(handed.socket);
    }
    this.hand();
  }

  private rest(taker: Taker): void {
    const at = this.free.indexOf(taker);
    if (at >= 0) this.free.splice(at, 1);
  }

  private lookAfterAll(): void {
    for (const taker of this.takers) {
      const handed = this.handed.get(taker);
      if (handed === undefined) {
        if (!this.free.includes(taker)) this.free.push(taker);
      } else if (++handed.looks === 2) {
        taker.hand({ kind: 'connection-lost', id: handed.id });
      }
    }
    this.hand();
  }

  private desert(): void {
    this.deserted = true;
    for (const socket of this.waiting.splice(0)) this.refuse(socket);
  }

  private refuse(socket: Socket): void {
    if (this.options.tls) {
      socket.destroy();
      return;
    }
    const error = new DomainError('not_ready', 'No worker of the server takes requests now; try again.');
    const { status } = ERRORS[error.code];
    const requestId = requestIdFrom(undefined);
    const body = JSON.stringify(nativeErrorBody(error, requestId));
    socket.end(
      `HTTP/1.1 ${status} Service Unavailable\r\ncontent-type: application/json; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nretry-after: 1\r\nx-request-id: ${requestId}\r\n` +
        `connection: close\r\n\r\n${body}`,
    );
    // What is closed with something unread is reset, and the answer with it.
    socket.resume();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }
}
