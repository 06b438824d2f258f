import { Controller, Get, Inject } from '@nestjs/common';
import { ApiProperty, ApiResponse, ApiTags } from '@nestjs/swagger';
import {
  HealthCheck,
  type HealthCheckResult,
  HealthCheckService,
  HealthIndicatorService,
} from '@nestjs/terminus';
import { CacheHealthIndicator } from '../cache/cache.health';
import { type AppConfig, appConfig } from '../config/config.slices';
import { ServerReadiness } from './server-readiness';
import { ModelsHealthIndicator } from '../models/models.health';
import { CPU_PLAN } from '../process/cpu/cpu.module';
import type { CpuPlan } from '../process/cpu/cpu-plan';

export class HealthResponse {
  /** `degraded` when a model does not serve that ought to, or a configured Redis is unreachable or takes no writes. */
  status: 'healthy' | 'degraded';
  /** Does at least one model serve? */
  models_loaded: boolean;
  /** What ought to serve and does not: reasons by model. */
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  models_unavailable: Record<string, string>;
  /** Does a configured Redis answer? */
  cache_connected: boolean;
  version: string;
  uptime_seconds: number;
  /** How the CPU quota is shared out. */
  threads: { quota: number; workers: number; slots: number; intraOpThreads: number };
}

export class LiveResponse {
  status: string;
}

export const LIVE: LiveResponse = { status: 'ok' };

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelsHealthIndicator,
    private readonly cache: CacheHealthIndicator,
    private readonly condition: ServerReadiness,
    @Inject(appConfig.KEY) private readonly app: AppConfig,
    @Inject(CPU_PLAN) private readonly plan: CpuPlan,
  ) {}

  /** The state of the whole, for people: always 200 while the process can answer. */
  @Get()
  health(): HealthResponse {
    const { ready, unavailable } = this.models.condition();
    return {
      status: ready && unavailable.length === 0 && !this.cache.degraded ? 'healthy' : 'degraded',
      models_loaded: this.models.anyLoaded,
      models_unavailable: Object.fromEntries(unavailable.map(({ model, reason }) => [model, reason])),
      cache_connected: this.cache.connected,
      version: this.app.version,
      uptime_seconds: Math.round(process.uptime()),
      threads: this.plan,
    };
  }

  /** For a liveness probe: the event loop turns. Knows nothing of models or the cache. */
  @Get('live')
  live(): LiveResponse {
    return LIVE;
  }

  /**
   * For a readiness probe: every required model (`MODEL_NAMES`) is loaded and warm, or, where none is required, at least
   * one model is; the server is not on its way out, and its workers do not keep dying. `degraded` names what else does
   * not serve that ought to.
   */
  @Get('ready')
  @HealthCheck()
  @ApiResponse({ status: 503, description: 'Not ready: the same body, with what is down.' })
  ready(): Promise<HealthCheckResult> {
    return this.checks.check([
      () => this.models.check('models'),
      () => this.cache.check('cache'),
      () => {
        const server = this.indicators.check('server');
        const { fault } = this.condition;
        return fault === undefined ? server.up() : server.down(fault);
      },
    ]);
  }
}
