import { once } from 'node:events';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { type AddressInfo, connect, Server as NetServer, type Socket } from 'node:net';
import { createDirectServer } from '../http/direct-server';

const HOST = '127.0.0.1';

/**
 * A server of this process for this process alone: it listens only until its own connections are there, and destroys
 * all others. Neither it nor its connections keep the process alive.
 */
export class PrivateServer {
  private readonly server: Server;
  /** Ports at the other ends of its own connections. */
  private readonly ownPorts = new Set<number | undefined>();
  private readonly clients: Socket[] = [];
  private readonly arrived = new Set<Socket>();

  constructor(options: ServerOptions, listener: RequestListener) {
    this.server = createDirectServer(options, (req, res) => {
      if (this.isOwn(req.socket)) listener(req, res);
      else req.socket.destroy();
    });
    this.server.on('connection', (socket: Socket) => {
      socket.unref();
      socket.once('close', () => this.arrived.delete(socket));
      this.arrived.add(socket);
    });
  }

  /** @returns the port, or throws when there is no loopback to listen on */
  async listen(): Promise<number> {
    // Exclusive: in a worker of a cluster the primary would hold the port.
    await once(this.server.unref().listen({ port: 0, host: HOST, exclusive: true }), 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** Opens so many connections, after which there are no others. @throws when the signal is raised before they are there */
  async connect(port: number, count: number, signal: AbortSignal): Promise<readonly Socket[]> {
    const { clients, server } = this;
    for (let i = 0; i < count; i++) clients.push(connect({ port, host: HOST, noDelay: true }).unref());
    await Promise.all(clients.map((client) => once(client, 'connect', { signal })));
    for (const { localPort } of clients) this.ownPorts.add(localPort);
    while (this.dismissOthers() < count) await once(server, 'connection', { signal });
    // The close of an HTTP server would close idle connections as well.
    NetServer.prototype.close.call(this.server);
    return clients;
  }

  close(): void {
    for (const client of this.clients) client.destroy();
    this.server.closeAllConnections();
    // Also after it stopped listening: only this ends the timer by which it looks for slow clients.
    this.server.close();
  }

  /** @returns how many are left */
  private dismissOthers(): number {
    let own = 0;
    for (const socket of this.arrived) {
      if (this.isOwn(socket)) own++;
      else socket.destroy();
    }
    return own;
  }

  private isOwn(socket: Socket): boolean {
    return this.ownPorts.has(socket.remotePort);
  }
}
