import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { ModelsService } from './models.service';

/**
 * Up when every required model is loaded and warm, and of those on other servers one answers. Nothing is waited
 * for, so no run and no server can hold it up: what is old is asked for anew, for the next time.
 */
@Injectable()
export class ModelsHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelsService,
  ) {}

  /** Is at least one model ready to serve? */
  get anyLoaded(): boolean {
    return this.models.known().some((model) => [...model.versions.values()].some((v) => v.state === 'READY'));
  }

  /** Is every required model ready to serve? */
  get allRequiredReady(): boolean {
    return this.models.required().every((model) => model.version(undefined)?.readiness().ready);
  }

  check(key: string): HealthIndicatorResult {
    const required = this.models.required();
    this.models.retryRemotes();
    const states = Object.fromEntries(
      required.map((model) => {
        const version = model.version(undefined);
        const reason = version?.readiness().reason || version?.reason || model.reason;
        return [model.name, { state: version?.state ?? 'UNAVAILABLE', ...(reason && { reason }) }];
      }),
    );
    const indicator = this.indicators.check(key);
    return this.allRequiredReady ? indicator.up({ models: states }) : indicator.down({ models: states });
  }
}
