import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Connection } from './connection';

/**
 * Closes connections on which nothing has moved for as long as their socket's time-out says: idle ones, and those whose
 * client takes nothing of its answer. One whose request is at work is left alone.
 * @param onUnread called for each that had an answer to take
 */
export function closeUnread(server: Server, timeoutMs: number, onUnread: () => void): void {
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) {
      onUnread();
      socket.destroy();
    } else if (Connection.of(socket).isIdle) {
      socket.destroy();
    } else {
      // The answer before this one went after its client was given time for it.
      socket.setTimeout(timeoutMs);
    }
  });
}
