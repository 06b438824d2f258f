import type { Socket } from 'node:net';
import { type ErrorBody, nativeErrorBody } from './errors/error-body';

/** What is in hand on a connection, and wants to know when its client leaves. */
export interface InHand {
  clientLeft(): void;
}

/**
 * One client's connection, for as long as it is open. Its socket has one listener for all requests that come on it: an
 * emitter that each request adds to and takes from keeps on Node 24 what the request held alive, until a full collection.
 */
export class Connection {
  private static readonly known = new WeakMap<Socket, Connection>();

  /** How to word what goes wrong outside of any exchange: as for the last request. */
  errorBody: ErrorBody = nativeErrorBody;
  /** In the order in which they came: several where they were sent ahead. */
  private readonly inHand: InHand[] = [];

  static of(socket: Socket): Connection {
    let connection = Connection.known.get(socket);
    if (connection === undefined) {
      connection = new Connection(socket);
      Connection.known.set(socket, connection);
    }
    return connection;
  }

  private constructor(private readonly socket: Socket) {
    socket.once('close', () => {
      for (const each of this.inHand.splice(0)) each.clientLeft();
    });
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  begin(exchange: InHand): void {
    this.inHand.push(exchange);
  }

  end(exchange: InHand): void {
    const index = this.inHand.indexOf(exchange);
    if (index !== -1) this.inHand.splice(index, 1);
  }
}
