import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { KeepListening } from '../../src/cluster/listening/keep-listening';

/** A primary whose only worker dies when it is told so, and has no successor. Arguments: port, patience. */
async function main(port: number, patienceMs: number): Promise<void> {
  if (cluster.isWorker) {
    createServer((socket) => socket.end()).listen(port, '127.0.0.1');
    return;
  }
  const worker = cluster.fork();
  new KeepListening(patienceMs).watch(worker);
  await once(worker, 'listening');
  process.send?.('listening');
  await once(process, 'message');
  worker.process.kill('SIGKILL');
  await once(worker, 'exit');
  process.send?.('dead');
}

void main(Number(process.argv[2]), Number(process.argv[3]));
