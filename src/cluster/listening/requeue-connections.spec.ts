import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { requeueConnections } from './requeue-connections';

interface Word {
  readonly ack?: number;
  readonly accepted?: boolean;
}

/** A worker's process as node:cluster talks to it. */
class Process extends EventEmitter {
  readonly sent: unknown[][] = [];
  /** What node:cluster hears of connections. */
  readonly words: Word[] = [];

  constructor() {
    super();
    requeueConnections({ process: this } as unknown as Worker);
    this.on('internalMessage', ({ ack, accepted }: Word) => {
      if (ack !== undefined) this.words.push({ ack, accepted });
    });
  }

  send(...sent: unknown[]): boolean {
    this.sent.push(sent);
    return true;
  }

  hand(seq: number): object {
    const connection = {};
    this.send({ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'port', seq }, connection);
    return connection;
  }
}

describe('connections that were handed to a worker', () => {
  let worker: Process;
  beforeEach(() => (worker = new Process()));

  it('are sent as they were, as is everything else', () => {
    const connection = worker.hand(7);
    worker.send({ kind: 'stop' });
    expect(worker.sent).toEqual([
      [{ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'port', seq: 7 }, connection],
      [{ kind: 'stop' }],
    ]);
  });

  it('count as refused when it ends before it took them', () => {
    worker.hand(7);
    worker.hand(8);
    worker.emit('close', null, 'SIGKILL');
    expect(worker.words).toEqual([
      { ack: 7, accepted: false },
      { ack: 8, accepted: false },
    ]);
  });

  it('count as refused when their descriptor did not arrive', () => {
    worker.hand(7);
    worker.hand(8);
    worker.emit('internalMessage', { cmd: 'NODE_HANDLE_ACK' });
    worker.emit('internalMessage', { cmd: 'NODE_HANDLE_NACK' });
    expect(worker.words).toEqual([{ ack: 8, accepted: false }]);
    worker.emit('close', null, 'SIGKILL');
    expect(worker.words.slice(1)).toEqual([{ ack: 7, accepted: false }]);
  });

  it('are left alone once it has answered', () => {
    worker.hand(7);
    worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: 7, accepted: true });
    worker.emit('close', 0, null);
    expect(worker.words).toEqual([{ ack: 7, accepted: true }]);
  });
});
