import { Injectable } from '@nestjs/common';
import { type HealthIndicatorResult, HealthIndicatorService } from '@nestjs/terminus';
import type { ModelsCondition } from '../process/ipc/messages';
import type { ModelEntry } from './loading/model-entry';
import { Recorder } from '../telemetry/metrics/recorder';
import { ModelsService } from './models.service';

const MAX_SHOWN = 100;

/**
 * Up when every required model (`MODEL_NAMES`) is loaded and warm, and of those on other servers one answers; where none
 * is required, when one model serves. One that was set aside would be so elsewhere: the server is up without it as long as
 * another one serves. Of hundreds of models it names those that do not serve. Nothing is waited for, so no run and no
 * server can hold it up: what is old is asked
 * for anew, for the next time.
 */
@Injectable()
export class ModelsHealthIndicator {
  constructor(
    private readonly indicators: HealthIndicatorService,
    private readonly models: ModelsService,
    recorder: Recorder,
  ) {
    recorder.unavailable = () => models.unavailable().map(({ model }) => model);
  }

  /** Is at least one model ready to serve? */
  get anyLoaded(): boolean {
    return this.models.known().some((model) => [...model.versions.values()].some((v) => v.state === 'READY'));
  }

  condition(): ModelsCondition {
    const known = this.models.known();
    return {
      ready:
        known.some(serves) && known.every((model) => !model.required || serves(model) || isSetAside(model)),
      unavailable: this.models.unavailable(),
    };
  }

  check(key: string): HealthIndicatorResult {
    this.models.retryRemotes();
    const { ready, unavailable } = this.condition();
    const atStart = this.models.known().filter((model) => model.kept || model.required);
    const down = atStart.filter((model) => !serves(model));
    // Beyond that many, those that serve are a number.
    const shown = atStart.length > MAX_SHOWN ? down.slice(0, MAX_SHOWN) : atStart;
    const states = shown.map((model) => {
      const reason = model.fault;
      const state = model.version(undefined)?.state ?? 'UNAVAILABLE';
      return [model.name, { state, ...(reason && { reason }) }] as const;
    });
    const optional = unavailable.filter(({ required }) => ready || !required);
    const degraded = Object.fromEntries(optional.map(({ model, reason }) => [model, reason]));
    const report = {
      count: { expected: atStart.length, serving: atStart.length - down.length },
      models: Object.fromEntries(states),
      ...(optional.length > 0 && { degraded }),
      ...(this.models.known().length === 0 && { reason: 'there is no model in the model folder' }),
    };
    const indicator = this.indicators.check(key);
    return ready ? indicator.up(report) : indicator.down(report);
  }
}

function isSetAside(model: ModelEntry): boolean {
  return model.version(undefined)?.isQuarantined === true;
}

function serves(model: ModelEntry): boolean {
  return model.version(undefined)?.readiness().ready === true;
}
