import type { Worker } from 'node:cluster';

/** A connection on its way from the primary to a worker. */
interface Handle {
  close(): void;
}

interface ClusterMessage {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

type Send = (message: ClusterMessage, handle?: Handle, ...rest: unknown[]) => boolean;

/**
 * Node's primary hands each connection to a worker and keeps its own end until the worker says that it has
 * it. A worker that dies in between never says so, and the client would wait until its own time is up. So
 * the ends that are still open when a worker is gone are closed, and their clients know at once.
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/round_robin_handle.js (handoff)
 */
export function closeHandedOverWhenGone(worker: Worker): void {
  const { process } = worker;
  const open = new Map<number, Handle>();
  const send = process.send.bind(process) as unknown as Send;
  const tracking: Send = (message, handle, ...rest) => {
    if (handle !== undefined && message.act === 'newconn' && message.seq !== undefined) {
      open.set(message.seq, handle);
    }
    return send(message, handle, ...rest);
  };
  process.send = tracking as unknown as typeof process.send;
  process.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) open.delete(ack);
  });
  worker.once('exit', () => {
    for (const handle of open.values()) handle.close();
    open.clear();
  });
}
