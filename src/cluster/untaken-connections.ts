import type { Worker } from 'node:cluster';

/** A connection on its way from the primary's socket to a worker, as node:cluster holds it. */
interface Connection {
  close(): void;
}

/** What Node's processes say to each other about connections. */
interface InternalMessage {
  readonly cmd?: string;
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
  readonly accepted?: boolean;
}

type Send = (message: InternalMessage, connection?: Connection, ...rest: unknown[]) => boolean;

interface Handed {
  readonly message: InternalMessage;
  readonly connection: Connection;
  /** Has it arrived in the worker's process? */
  arrived: boolean;
}

/**
 * Gives connections that a worker did not take to another one: it died before, or had no descriptor left for them.
 * node:cluster waits for the worker's word on each and otherwise keeps it open for ever: its client would wait as
 * long, this process would lose a descriptor, and a worker that lives would never be handed another one. A worker
 * gives its word before it reads anything, so nothing of what the client sent on an untaken connection is lost.
 * https://github.com/nodejs/node/issues/21746
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/cluster/round_robin_handle.js (handoff)
 * https://github.com/nodejs/node/blob/v20.x/lib/internal/child_process.js (NODE_HANDLE_NACK)
 */
export class UntakenConnections {
  /** Of what is handed on from here; node:cluster counts upwards from 0. */
  private lastSeq = 0;

  /** @param takers the workers that serve */
  constructor(private readonly takers: () => readonly Worker[]) {}

  watch({ process }: Worker): void {
    /** In the order in which they arrive. */
    const handed = new Map<number, Handed>();
    const send = process.send.bind(process) as unknown as Send;
    const tracking: Send = (message, connection, ...rest) => {
      if (connection !== undefined && message.act === 'newconn' && message.seq !== undefined) {
        handed.set(message.seq, { message, connection, arrived: false });
      }
      return send(message, connection, ...rest);
    };
    process.send = tracking as unknown as typeof process.send;
    process.on('internalMessage', ({ cmd, ack, accepted }: InternalMessage) => {
      if (cmd === 'NODE_HANDLE_ACK' || cmd === 'NODE_HANDLE_NACK') {
        const next = [...handed].find(([, { arrived }]) => !arrived);
        if (next === undefined) return;
        const [seq, untaken] = next;
        if (cmd === 'NODE_HANDLE_ACK') untaken.arrived = true;
        else process.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: seq, accepted: false });
      } else if (ack !== undefined) {
        const answered = handed.get(ack);
        handed.delete(ack);
        // Of its own ones node:cluster takes care.
        if (answered === undefined || ack >= 0) return;
        if (accepted) answered.connection.close();
        else this.handOn(answered);
      }
    });
    // Comes when the process and all its pipes have ended, and so after the last word; `disconnect` never comes
    // while a connection is untaken.
    process.once('close', () => {
      for (const untaken of handed.values()) this.handOn(untaken);
      handed.clear();
    });
  }

  private handOn({ message, connection }: Handed): void {
    const taker = this.takers().find((worker) => worker.isConnected());
    if (taker === undefined) {
      connection.close();
      return;
    }
    const send = taker.process.send.bind(taker.process) as unknown as Send;
    send({ ...message, seq: --this.lastSeq }, connection);
  }
}
