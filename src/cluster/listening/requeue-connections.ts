import type { Worker } from 'node:cluster';

/** What Node's processes say to each other about connections. */
interface InternalMessage {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

type Send = (message: InternalMessage, ...rest: unknown[]) => boolean;

/**
 * Has connections that a worker did not take given to another one: it died before, or had no descriptor left for them.
 * node:cluster waits for the worker's word on each and otherwise keeps it open for ever: its client would wait as
 * long, this process would lose a descriptor, and a worker that lives would never be handed another one. A worker
 * gives its word before it reads anything, so nothing of what the client sent on an untaken connection is lost.
 * https://github.com/nodejs/node/issues/21746
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/round_robin_handle.js (handoff)
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/child_process.js (NODE_HANDLE_NACK)
 */
export function requeueConnections({ process }: Worker): void {
  /** By their numbers, in the order in which they arrive: has it arrived in the worker's process? */
  const handed = new Map<number, boolean>();
  const send = process.send.bind(process) as unknown as Send;
  const tracking: Send = (message, ...rest) => {
    if (message.act === 'newconn' && message.seq !== undefined) handed.set(message.seq, false);
    return send(message, ...rest);
  };
  process.send = tracking;
  // What node:cluster hears has it give the connection to whom it likes.
  const refuse = (ack: number): void => {
    process.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted: false });
  };
  process.on('internalMessage', ({ cmd, ack }: InternalMessage) => {
    if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') {
      const [seq] = [...handed].find(([, arrived]) => !arrived) ?? [];
      if (seq === undefined) return;
      if (cmd === 'NODE_HANDLE_ACK') handed.set(seq, true);
      else refuse(seq);
    } else if (ack !== undefined) {
      handed.delete(ack);
    }
  });
  // Comes when the process and all its pipes have ended, and so after the last word; `disconnect` never comes
  // while a connection is untaken.
  process.once('close', () => {
    for (const seq of [...handed.keys()]) refuse(seq);
  });
}
