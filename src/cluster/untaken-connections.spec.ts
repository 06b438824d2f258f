import type { Worker } from 'node:cluster';
import { EventEmitter } from 'node:events';
import { UntakenConnections } from './untaken-connections';

interface Connection {
  close: jest.Mock;
}

/** A worker's process as node:cluster talks to it. */
class Process extends EventEmitter {
  readonly sent: [message: { seq?: number; key?: string }, connection?: Connection][] = [];

  send(message: object, connection?: Connection): boolean {
    this.sent.push(connection === undefined ? [message] : [message, connection]);
    return true;
  }

  hand(seq: number): Connection {
    const connection = { close: jest.fn() };
    this.send({ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'port', seq }, connection);
    return connection;
  }

  answer(ack: number | undefined, accepted: boolean): void {
    this.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack, accepted });
  }

  get worker(): Worker {
    return { process: this, isConnected: () => true } as unknown as Worker;
  }
}

describe('connections that were handed to a worker', () => {
  let takers: Process[];
  let worker: Process;
  let other: Process;
  beforeEach(() => {
    takers = [];
    const untaken = new UntakenConnections(() => takers.map((taker) => taker.worker));
    [worker, other] = [new Process(), new Process()];
    untaken.watch(worker.worker);
    untaken.watch(other.worker);
  });

  it('are sent as they were, as is everything else', () => {
    const connection = worker.hand(7);
    worker.send({ kind: 'stop' });
    expect(worker.sent).toEqual([
      [{ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'port', seq: 7 }, connection],
      [{ kind: 'stop' }],
    ]);
  });

  it('go to another one when it ends before it took them, and are then let go here', () => {
    takers = [other];
    const connection = worker.hand(7);
    worker.emit('close', null, 'SIGKILL');
    const [[message, handed] = [{}]] = other.sent;
    expect(message).toMatchObject({ cmd: 'NODE_CLUSTER', act: 'newconn', key: 'port' });
    expect(handed).toBe(connection);
    expect(connection.close).not.toHaveBeenCalled();
    other.answer(message.seq, true);
    expect(connection.close).toHaveBeenCalledTimes(1);
    other.emit('close', null, 'SIGKILL');
    expect(connection.close).toHaveBeenCalledTimes(1);
  });

  it('go on to the next while nobody takes them, and are closed when there is none', () => {
    takers = [other];
    const connection = worker.hand(7);
    worker.emit('close', null, 'SIGKILL');
    takers = [];
    other.answer(other.sent[0]?.[0].seq, false);
    expect(connection.close).toHaveBeenCalledTimes(1);
  });

  it('count as not taken when their descriptor did not arrive', () => {
    const [first, second] = [worker.hand(7), worker.hand(8)];
    const words: unknown[] = [];
    worker.on('internalMessage', (word) => words.push(word));
    worker.emit('internalMessage', { cmd: 'NODE_HANDLE_ACK' });
    worker.emit('internalMessage', { cmd: 'NODE_HANDLE_NACK' });
    // What node:cluster hears has it give the connection to whom it likes.
    expect(words).toContainEqual({ cmd: 'NODE_CLUSTER', ack: 8, accepted: false });
    worker.emit('close', null, 'SIGKILL');
    expect(first.close).toHaveBeenCalledTimes(1);
    expect(second.close).not.toHaveBeenCalled();
  });

  it('are left alone once it has answered', () => {
    const connection = worker.hand(7);
    worker.answer(7, true);
    worker.emit('close', 0, null);
    expect(connection.close).not.toHaveBeenCalled();
  });
});
