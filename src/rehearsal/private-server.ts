import { once } from 'node:events';
import type { IncomingMessage, RequestListener, Server, ServerOptions } from 'node:http';
import { type AddressInfo, connect, Server as NetServer, type Socket } from 'node:net';
import { createDirectServer } from '../http/direct-server';

const HOST = '127.0.0.1';

/**
 * A server of this process for this process alone: it listens only until its own connections have brought their first
 * request, and destroys all others. Neither it nor its connections keep the process alive.
 */
export class PrivateServer {
  private readonly server: Server;
  private readonly clients: Socket[] = [];
  /** Ports at the other ends of its own connections. */
  private readonly ownPorts = new Set<number | undefined>();
  private readonly own = new Set<Socket>();
  /** Of connections that have brought no request yet. */
  private readonly unknown = new Set<Socket>();

  constructor(options: ServerOptions, listener: RequestListener) {
    this.server = createDirectServer(options, (req, res) => {
      if (this.admits(req)) listener(req, res);
      else req.socket.destroy();
    });
    this.server.on('connection', (socket: Socket) => {
      this.unknown.add(socket.unref());
      socket.once('close', () => this.unknown.delete(socket));
    });
  }

  /** @returns the port. @throws when there is no loopback to listen on */
  async listen(): Promise<number> {
    // Exclusive: in a worker of a cluster the primary would hold the port.
    await once(this.server.unref().listen({ port: 0, host: HOST, exclusive: true }), 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Opens so many connections, each of which is to bring a request. @throws when the signal is raised meanwhile */
  async connect(port: number, count: number, signal: AbortSignal): Promise<readonly Socket[]> {
    const { clients } = this;
    for (let i = 0; i < count; i++) clients.push(connect({ port, host: HOST, noDelay: true }).unref());
    await Promise.all(clients.map((client) => once(client, 'connect', { signal })));
    for (const { localPort } of clients) this.ownPorts.add(localPort);
    return clients;
  }

  /** Has its clients leave as clients do, so that the end of a connection is known as well, and waits until they have. */
  async empty(signal: AbortSignal): Promise<void> {
    if (this.own.size < this.clients.length || this.server.listening) return;
    const empty = once(this.server, 'close', { signal });
    for (const client of this.clients) client.end();
    await empty;
  }

  /** At once. */
  close(): void {
    for (const client of this.clients) client.destroy();
    this.server.closeAllConnections();
    // Also after it stopped listening: only this ends the timer by which it looks for slow clients.
    this.server.close();
  }

  /**
   * Only a request tells: the port of a socket that is looked at before the socket has had one gives it another hidden
   * class than all others have, and what is compiled here would fit none of them.
   */
  private admits({ socket }: IncomingMessage): boolean {
    if (this.own.has(socket)) return true;
    if (!this.ownPorts.has(socket.remotePort)) return false;
    this.unknown.delete(socket);
    this.own.add(socket);
    if (this.own.size === this.ownPorts.size) this.shut();
    return true;
  }

  private shut(): void {
    // The close of an HTTP server would close idle connections as well.
    NetServer.prototype.close.call(this.server);
    for (const socket of this.unknown) socket.destroy();
  }
}
