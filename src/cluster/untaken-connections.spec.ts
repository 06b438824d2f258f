import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { closeUntakenConnections } from './untaken-connections';

/** A worker process as node:cluster talks to it. */
class Worker extends EventEmitter {
  readonly sent: unknown[] = [];

  send(...args: unknown[]): boolean {
    this.sent.push(args);
    return true;
  }

  hand(seq: number): { close: jest.Mock } {
    const connection = { close: jest.fn() };
    this.send({ cmd: 'NODE_CLUSTER', act: 'newconn', seq }, connection);
    return connection;
  }
}

describe('connections that were handed to a worker', () => {
  let worker: Worker;
  beforeEach(() => {
    worker = new Worker();
    closeUntakenConnections(worker as unknown as ChildProcess);
  });

  it('are sent as they were, as is everything else', () => {
    const connection = worker.hand(7);
    worker.send({ kind: 'stop' });
    expect(worker.sent).toEqual([
      [{ cmd: 'NODE_CLUSTER', act: 'newconn', seq: 7 }, connection],
      [{ kind: 'stop' }],
    ]);
  });

  it('are closed when it ends before it took them', () => {
    const connection = worker.hand(7);
    expect(connection.close).not.toHaveBeenCalled();
    worker.emit('exit', null, 'SIGKILL');
    expect(connection.close).toHaveBeenCalledTimes(1);
  });

  it('are left alone once it has answered', () => {
    const [taken, other] = [worker.hand(7), worker.hand(8)];
    worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: 7, accepted: true });
    worker.emit('exit', 0, null);
    expect(taken.close).not.toHaveBeenCalled();
    expect(other.close).toHaveBeenCalledTimes(1);
  });
});
