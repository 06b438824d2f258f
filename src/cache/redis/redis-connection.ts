import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as RedisYet from 'cache-manager-redis-yet';
import type * as Redis from 'redis';
import type { RedisClientType } from 'redis';
import type * as CommandsQueue from '@redis/client/dist/lib/client/commands-queue';
import { reasonOf } from '../../errors/domain-error';

const SHORTEST_WAIT_MS = 50;
/** Redis is to be used again within a second of coming back. */
const LONGEST_WAIT_MS = 400;
/** For TCP and TLS, and then again for credentials and database. */
const CONNECT_MS = 500;
/** Commands under way at once; further ones fail. */
const MAX_COMMANDS = 10_000;

/** The part of cache-manager-redis-yet's store that is used. */
export interface RedisStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttlMs?: number): Promise<void>;
}

export interface LiveConnection {
  readonly client: RedisClientType;
  readonly store: RedisStore;
}

export interface ConnectionEvents {
  connected(): void;
  /** A connection ended, or one could not be made; it is tried again. */
  lost(reason: string): void;
}

// Loaded only where there is a Redis to talk to: the packages take a worker's start a tenth of a second.
const requireHere = createRequire(__filename);

/**
 * Keeps one connection to Redis. Each connection is a client of its own that does not reconnect: node-redis 4 goes on
 * reading in the middle of a value where its last connection broke off, and can neither be told to drop a connection
 * that hangs nor to stop connecting.
 */
export class RedisConnection {
  private current: LiveConnection | undefined;
  private drop: ((reason: string) => void) | undefined;
  private kept: Promise<void> | undefined;
  private readonly closing = new AbortController();

  constructor(
    private readonly url: string,
    private readonly events: ConnectionEvents,
  ) {}

  /** What commands go through; undefined while there is no connection. */
  get live(): LiveConnection | undefined {
    return this.current;
  }

  /** Begins to connect, and waits for nothing. */
  start(): void {
    this.kept ??= this.keep();
  }

  /** Gives up the connection, whose server does not answer, for another one. */
  abandon(reason: string): void {
    if (this.current !== undefined) this.drop?.(reason);
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.drop?.('closed');
    await this.kept;
  }

  private async keep(): Promise<void> {
    let waitMs = SHORTEST_WAIT_MS;
    while (!this.closing.signal.aborted) {
      const { reason, wasLive } = await this.connectOnce().catch(neverBegun);
      if (this.closing.signal.aborted) return;
      this.events.lost(reason);
      waitMs = wasLive ? SHORTEST_WAIT_MS : Math.min(waitMs * 2, LONGEST_WAIT_MS);
      await sleep(waitMs, undefined, { signal: this.closing.signal, ref: false }).catch(() => undefined);
    }
  }

  /** One connection from its beginning to its end. */
  private async connectOnce(): Promise<{ reason: string; wasLive: boolean }> {
    const client = newClient(this.url);
    let timer: NodeJS.Timeout | undefined;
    let reached = false;
    const ended = new Promise<string>((resolve) => {
      this.drop = resolve;
      client.on('error', (error) => resolve(reasonOf(error)));
      client.on('connect', () => {
        reached = true;
        timer = setTimeout(() => resolve(`no answer within ${CONNECT_MS} ms`), CONNECT_MS);
      });
    });
    let wasLive = false;
    const connected = this.connect(client).then(
      () => {
        wasLive = this.current !== undefined;
        clearTimeout(timer);
      },
      // It is an error event as well.
      () => undefined,
    );
    const reason = await ended;
    clearTimeout(timer);
    this.current = undefined;
    // Up to there the client's own time-out holds, and disconnecting would leave a socket behind.
    if (!reached) await connected;
    if (client.isOpen) await client.disconnect().catch(() => undefined);
    await connected;
    return { reason, wasLive };
  }

  private async connect(client: RedisClientType): Promise<void> {
    await client.connect();
    if (!client.isReady || this.closing.signal.aborted) return;
    const { redisInsStore } = requireHere('cache-manager-redis-yet') as typeof RedisYet;
    this.current = { client, store: redisInsStore(client) };
    this.events.connected();
  }
}

/** The client could not even be made. */
function neverBegun(error: unknown): { reason: string; wasLive: boolean } {
  return { reason: reasonOf(error), wasLive: false };
}

function newClient(url: string): RedisClientType {
  const { createClient } = requireHere('redis') as typeof Redis;
  guardRedisProtocol();
  return createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    disableClientInfo: true,
    socket: { connectTimeout: CONNECT_MS, reconnectStrategy: false },
  });
}

let isGuarded = false;

/**
 * node-redis 4 throws inside a socket's event when a server says what it was not asked, or counts below zero, and
 * that ends the process. With this, the commands that wait on that connection fail instead. It reaches into a
 * private class: the version is pinned, and `test/cache-redis.spec.ts` has a server that talks nonsense.
 */
function guardRedisProtocol(): void {
  if (isGuarded) return;
  isGuarded = true;
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
