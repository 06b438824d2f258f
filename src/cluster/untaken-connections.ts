import type { ChildProcess } from 'node:child_process';

/** A connection on its way from the primary's socket to a worker, as node:cluster holds it. */
interface Connection {
  close(): void;
}

/** What node:cluster says to a worker with a connection, and what a worker answers to anything. */
interface ClusterMessage {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/**
 * Closes the connections that were handed to a worker which died before it took them. node:cluster waits for the
 * worker's word on each and otherwise keeps it open for ever: its client would wait as long, and this process would
 * lose a descriptor with every death under load. https://github.com/nodejs/node/issues/21746
 */
export function closeUntakenConnections(worker: ChildProcess): void {
  const handed = new Map<number, Connection>();
  const send = worker.send.bind(worker) as (...args: unknown[]) => boolean;
  worker.send = (...args: unknown[]): boolean => {
    const [message, connection] = args as [ClusterMessage, Connection?];
    if (message.act === 'newconn' && message.seq !== undefined && connection !== undefined) {
      handed.set(message.seq, connection);
    }
    return send(...args);
  };
  worker.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) handed.delete(ack);
  });
  worker.once('exit', () => {
    for (const connection of handed.values()) connection.close();
    handed.clear();
  });
}
