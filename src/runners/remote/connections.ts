import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** No connection came about in time; nothing was sent. */
export class ConnectTimeout extends Error {
  constructor(readonly timeoutMs: number) {
    super(`no connection within ${timeoutMs} ms`);
    this.name = 'ConnectTimeout';
  }
}

export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  /** Kept open to each host; 0: every call makes a connection of its own. */
  readonly maxIdle: number;
}

/** Remotes close connections that idle for longer than they like; to be earlier spares a broken call. */
const IDLE_MS = 30_000;

/**
 * The connections to the remotes of one model. How many are in use is the caller's to bound: a call that waited
 * in an agent's queue would wait unseen.
 */
export class Connections {
  readonly httpAgent: http.Agent;
  readonly httpsAgent: https.Agent;
  private readonly made = new WeakSet<object>();

  constructor({ connectTimeoutMs, maxIdle }: ConnectionOptions) {
    const options = { keepAlive: maxIdle > 0, maxFreeSockets: maxIdle, timeout: IDLE_MS };
    const watch = <Socket extends Duplex | null | undefined>(socket: Socket, made: string): Socket => {
      if (socket) this.watch(socket, made, connectTimeoutMs);
      return socket;
    };
    this.httpAgent = new (class extends http.Agent {
      override createConnection(...args: Parameters<http.Agent['createConnection']>) {
        return watch(super.createConnection(...args), 'connect');
      }
    })(options);
    this.httpsAgent = new (class extends https.Agent {
      override createConnection(...args: Parameters<https.Agent['createConnection']>) {
        return watch(super.createConnection(...args), 'secureConnect');
      }
    })(options);
  }

  /** Was the connection made, so that something may have been sent? */
  isMade(socket: object | null | undefined): boolean {
    return socket !== null && socket !== undefined && this.made.has(socket);
  }

  close(): void {
    this.httpAgent.destroy();
    this.httpsAgent.destroy();
  }

  private watch(socket: Duplex, made: string, timeoutMs: number): void {
    const timer = setTimeout(() => socket.destroy(new ConnectTimeout(timeoutMs)), timeoutMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once(made, () => {
      clearTimeout(timer);
      this.made.add(socket);
    });
  }
}
