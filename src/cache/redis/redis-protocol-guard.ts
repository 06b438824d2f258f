import { createRequire } from 'node:module';
import type * as CommandsQueue from '@redis/client/dist/lib/client/commands-queue';

const requireHere = createRequire(__filename);
let inPlace = false;

/**
 * node-redis 4 throws inside a socket's event when a server says what it was not asked, or counts below zero, and
 * that ends the process. With this, the commands that wait on that connection fail instead. It reaches into a
 * private class: the version is pinned, and `test/cache-redis.spec.ts` has a server that talks nonsense.
 */
export function guardRedisProtocol(): void {
  if (inPlace) return;
  inPlace = true;
  const { default: Queue } = requireHere(
    '@redis/client/dist/lib/client/commands-queue',
  ) as typeof CommandsQueue;
  const { prototype } = Queue;
  const read = Reflect.get(prototype, 'onReplyChunk');
  prototype.onReplyChunk = function (chunk): void {
    try {
      read.call(this, chunk);
    } catch (error) {
      this.flushAll(new Error('the server does not speak the protocol of Redis', { cause: error }));
    }
  };
}
