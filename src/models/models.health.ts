import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import { ModelsService } from './models.service';

/** Up when every required model is loaded and warm. Asks no model anything, so no run can hold it up. */
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
    return this.models.required().every((model) => model.version(undefined)?.state === 'READY');
  }

  check(key: string): HealthIndicatorResult {
    const required = this.models.required();
    const states = Object.fromEntries(
      required.map((model) => {
        const version = model.version(undefined);
        const reason = version?.reason || model.reason;
        return [model.name, { state: version?.state ?? 'UNAVAILABLE', ...(reason && { reason }) }];
      }),
    );
    const indicator = this.indicators.check(key);
    return this.allRequiredReady ? indicator.up({ models: states }) : indicator.down({ models: states });
  }
}
