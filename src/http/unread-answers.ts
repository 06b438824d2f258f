import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Connection } from './connection';
import { unacknowledged } from './node/unacknowledged';

/**
 * Closes connections on which nothing has moved for as long as their socket's time-out says: idle ones, and those whose
 * client takes nothing of its answer. One whose request is at work is left alone, and so is one whose client is only
 * slow: Node hears of what was taken when a whole piece is through, which may be megabytes, the kernel of each packet.
 * @param onUnread called for each that had an answer to take
 */
export function closeUnread(server: Server, timeoutMs: number, onUnread: () => void): void {
  /** What was on its way to a client when it was last looked at. */
  const before = new WeakMap<Socket, string>();

  async function look(socket: Socket): Promise<void> {
    const inKernel = await unacknowledged(socket);
    if (socket.destroyed) return;
    const onItsWay = `${socket.writableLength} ${inKernel}`;
    if (inKernel === undefined || before.get(socket) === onItsWay) {
      onUnread();
      socket.destroy();
    } else {
      before.set(socket, onItsWay);
      socket.setTimeout(timeoutMs);
    }
  }

  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) {
      void look(socket);
    } else if (Connection.of(socket).isIdle) {
      socket.destroy();
    } else {
      // The answer before this one went after its client was given time for it.
      socket.setTimeout(timeoutMs);
    }
  });
}
