import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DomainError } from '../errors/domain-error';
import { Ipc } from '../process/ipc/ipc.service';
import type { Reply } from '../process/ipc/messages';
import { type CacheStatistics, PredictionCache } from './prediction-cache';

const CLEAR = 'cache.clear';
const STATISTICS = 'cache.statistics';
const ANSWER_MS = 5000;

interface Clearing {
  readonly model: string | undefined;
}

export interface Cleared {
  /** Entries that were forgotten by all workers together. */
  memory: number;
  /** Entries that were removed from Redis; null without a Redis. */
  redis: number | null;
}

/** The cache of the whole server: of all workers, and Redis. */
@Injectable()
export class CacheControl implements OnModuleInit {
  constructor(
    private readonly ipc: Ipc,
    private readonly cache: PredictionCache,
  ) {}

  onModuleInit(): void {
    this.ipc.handle<Clearing, number>(CLEAR, ({ model }) => this.cache.clearHere(model));
    this.ipc.handle<null, CacheStatistics>(STATISTICS, () => this.cache.statistics());
  }

  /**
   * Forgets the answers of one model, or all. What runs meanwhile is not kept either.
   * @throws not_ready when a worker or Redis may have kept something
   */
  async clear(model: string | undefined): Promise<Cleared> {
    const clearing: Clearing = { model };
    // Redis last: by then no worker has a write under way that began before.
    const memory = valuesOf(await this.ipc.askAll<number>(CLEAR, clearing, ANSWER_MS));
    const redis = await this.cache.clearRedis(model);
    return { memory: memory.reduce((sum, count) => sum + count, 0), redis: redis ?? null };
  }

  /** Of each worker that answers, or at least of this one. */
  async statistics(): Promise<CacheStatistics[]> {
    const replies = await this.ipc.askAll<CacheStatistics>(STATISTICS, null, ANSWER_MS);
    const workers = replies.flatMap((reply) => (reply.ok ? [reply.value] : []));
    return workers.length > 0 ? workers : [this.cache.statistics()];
  }
}

function valuesOf<Value>(replies: readonly Reply<Value>[]): Value[] {
  return replies.map((reply) => {
    if (reply.ok) return reply.value;
    throw new DomainError('not_ready', `A worker did not clear its cache: ${reply.reason}`, {
      retryAfterSeconds: 1,
    });
  });
}
