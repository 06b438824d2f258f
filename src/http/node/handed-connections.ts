import { PassingSet } from '../../common/passing';
import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { ConnectionReply, ConnectionToWorker } from '../../process/ipc/connection-messages';
import { allowsHalfOpen } from './half-open';

/** Serves, on a server that listens nowhere itself, the connections that another process accepts and hands over. */
export class HandedConnections extends EventEmitter<{ idle: [] }> {
  private readonly open = new PassingSet<Socket>();
  private lastId = 0;
  private closed = false;

  constructor(
    private readonly server: Server,
    private readonly tell: (reply: ConnectionReply) => void,
  ) {
    super();
    // What Node's HTTP server does when it listens: from then on it keeps its clients to their time limits.
    server.emit('listening');
  }

  hear(message: ConnectionToWorker, socket: Socket | undefined): void {
    const { kind, id } = message;
    if (kind === 'connection-lost') {
      // What is taken is not asked for; else it went by without its descriptor.
      this.tell({ kind: 'connection', id, taken: id === this.lastId });
      return;
    }
    if (socket === undefined || this.closed) {
      socket?.destroy();
      this.tell({ kind: 'connection', id, taken: false });
      return;
    }
    this.lastId = id;
    this.open.add(socket);
    socket.once('close', () => {
      this.open.delete(socket);
      if (this.open.size === 0) this.emit('idle');
    });
    this.tell({ kind: 'connection', id, taken: true });
    // As those are that a server accepts itself.
    socket.allowHalfOpen = allowsHalfOpen(this.server);
    this.server.emit('connection', socket);
  }

  /** Resolves when there is none, or after `timeoutMs`. */
  async unused(timeoutMs: number): Promise<void> {
    if (this.open.size === 0) return;
    await once(this, 'idle', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => undefined);
  }

  /** Takes no more of them, and resolves when the last one has been closed. */
  async close(): Promise<void> {
    this.closed = true;
    if (this.open.size > 0) await new Promise<void>((resolve) => this.once('idle', resolve));
  }
}
