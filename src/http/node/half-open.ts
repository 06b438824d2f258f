import type { Server } from 'node:http';

/** Node's own and not documented: false where the end of what a client sends is the end of its connection. */
type HalfOpen = Server & { httpAllowHalfOpen?: boolean };

/** From now on a client may end its side of a connection and wait for its answers. */
export function allowHalfOpen(server: Server): void {
  (server as HalfOpen).httpAllowHalfOpen = true;
}

export function allowsHalfOpen(server: Server): boolean {
  return (server as HalfOpen).httpAllowHalfOpen === true;
}
