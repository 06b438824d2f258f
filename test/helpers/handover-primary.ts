import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { Handover, type Taker } from '../../src/cluster/handover';
import { closeGracefully } from '../../src/http/node/graceful-close';
import { HandedConnections } from '../../src/http/node/handed-connections';
import type { ConnectionReply, ConnectionToWorker } from '../../src/process/ipc/connection-messages';

/** What this primary is told: to serve with so many workers, to stop in order, or to lose its workers. */
export type Order =
  | { readonly kind: 'serve'; readonly workers: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'kill' };

/** What a worker says of itself. */
type Word = { readonly kind: 'serves' | 'stopped' };

/**
 * A primary and two workers with the parts of the server that hand connections over and take them, and nothing else: it
 * starts and stops in no time. Arguments: port, patience.
 */
function primary(port: number, patienceMs: number): void {
  const all = [cluster.fork(), cluster.fork()];
  const takers = all.map((worker): Taker => ({
    hand: (message, socket) => void worker.send(message, socket, { keepOpen: true }),
  }));
  let handover: Handover;
  let serving: Worker[] = [];
  for (const [i, worker] of all.entries()) {
    worker.on('error', () => undefined);
    worker.on('message', (word: ConnectionReply | Word) => {
      if (word.kind === 'connection') handover.hear(takers[i]!, word);
    });
    worker.process.once('close', () => handover.gone(takers[i]!));
  }

  /** Resolves when each that serves has said so. */
  async function say(order: Order, kind: Word['kind']): Promise<void> {
    const said = serving.map(async (worker) => {
      for (let word: { kind?: string } = {}; word.kind !== kind;) {
        [word] = (await once(worker, 'message')) as [Word];
      }
    });
    for (const worker of serving) worker.send(order);
    await Promise.all(said);
  }

  async function obey(order: Order): Promise<void> {
    if (order.kind === 'serve') {
      handover = new Handover({ patienceMs, tls: false });
      serving = all.slice(0, order.workers);
      await say(order, 'serves');
      for (const worker of serving) handover.add(takers[all.indexOf(worker)]!);
      await handover.listen(port, '127.0.0.1');
    } else if (order.kind === 'stop') {
      await handover.close(1000);
      await say(order, 'stopped');
    } else {
      const ended = Promise.all(serving.map((worker) => once(worker, 'exit')));
      for (const worker of serving) worker.process.kill('SIGKILL');
      await ended;
    }
    process.send?.(order.kind);
  }

  process.on('message', (order: Order) => void obey(order));
}

function worker(): void {
  const server: Server = createServer((_, res) => {
    res.writeHead(200, { connection: 'close' });
    res.end('served');
  });
  const say = (word: ConnectionReply | Word): void => void process.send?.(word);
  let handed = new HandedConnections(server, say);
  process.on('message', (message: ConnectionToWorker | Order, socket?: Socket) => {
    if (message.kind === 'serve') {
      handed = new HandedConnections(server, say);
      say({ kind: 'serves' });
    } else if (message.kind === 'stop') {
      void closeGracefully(server, handed.close()).then(() => say({ kind: 'stopped' }));
    } else if (message.kind !== 'kill') {
      handed.hear(message, socket);
    }
  });
}

if (cluster.isWorker) {
  worker();
} else {
  cluster.setupPrimary({ serialization: 'advanced' });
  primary(Number(process.argv[2]), Number(process.argv[3]));
}
