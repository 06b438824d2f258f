import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { DomainError } from '../errors/domain-error';
import { isModelName } from '../models/repository/model-name';
import { CacheControl, type Cleared } from '../cache/cache-control.service';
import { CacheStatisticsResponse, ClearCacheRequest, ClearCacheResponse } from './cache.dto';
import type { CacheStatistics } from '../cache/prediction-cache';
import type { TierState } from '../cache/cache-tier';

const WORST_FIRST: readonly TierState[] = ['unreachable', 'read-only', 'connected'];

@ApiTags('cache')
@Controller('cache')
export class CacheController {
  constructor(private readonly control: CacheControl) {}

  /** What the prediction cache has done and holds, in all workers together. */
  @Get()
  @ApiOperation({ summary: 'Statistics of the prediction cache' })
  @ApiResponse({ status: 200, type: CacheStatisticsResponse })
  async statistics(): Promise<CacheStatisticsResponse> {
    const workers = await this.control.statistics();
    const redis = workers.flatMap((worker) => worker.redis ?? []);
    const state = WORST_FIRST.find((candidate) => redis.some((tier) => tier.state === candidate));
    return {
      workers: workers.length,
      memory: sumOf(workers.map(({ memory }) => memory)),
      redis: state === undefined ? null : { ...sumOf(redis.map(countersOf)), state },
    };
  }

  /** Forgets cached answers, of one model or all, in every worker and in Redis. */
  @Post('clear')
  @HttpCode(200)
  @ApiOperation({ summary: 'Clear the prediction cache' })
  @ApiBody({ type: ClearCacheRequest, required: false })
  @ApiResponse({ status: 200, type: ClearCacheResponse })
  @ApiResponse({ status: 400, description: 'The body is not what it should be.' })
  @ApiResponse({
    status: 503,
    description: 'A worker or Redis could not be reached and may have kept something.',
  })
  clear(@Body() body: unknown): Promise<Cleared> {
    return this.control.clear(modelOf(body));
  }
}

/** @throws invalid_request for anything but no body, `{}` and `{"model": "<name>"}` */
function modelOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'object' && !Array.isArray(body)) {
    const { model, ...rest } = body as Record<string, unknown>;
    const named = model === undefined || (typeof model === 'string' && isModelName(model));
    if (named && Object.keys(rest).length === 0) return model;
  }
  throw new DomainError('invalid_request', 'Expected {"model": "<name of a model>"}, or {} for all models.');
}

function countersOf({ state: _, ...counters }: NonNullable<CacheStatistics['redis']>): Counters {
  return counters;
}

type Counters = Omit<NonNullable<CacheStatistics['redis']>, 'state'>;

/** The sums of figures by name; there is at least one. */
function sumOf<T extends Record<keyof T, number>>(parts: readonly T[]): T {
  const [first, ...others] = parts;
  const sum: Record<string, number> = { ...first! };
  for (const part of others) {
    for (const [name, value] of Object.entries<number>(part)) sum[name]! += value;
  }
  return sum as T;
}
