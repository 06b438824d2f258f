import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import { setTimeout as sleep } from 'node:timers/promises';
import { CacheControl } from '../cache/cache-control.service';
import { reasonOf } from '../errors/domain-error';
import { ModelsService } from '../models/models.service';

const TRIES = 10;
const RETRY_MS = 1000;

/** Forgets the cached answers of a model whose batches were wrong: some of them may be wrong, too. */
@Injectable()
export class WrongBatches implements OnModuleInit {
  private readonly logger = new EventLogger(WrongBatches.name);

  constructor(
    private readonly models: ModelsService,
    private readonly cache: CacheControl,
  ) {}

  onModuleInit(): void {
    this.models.onWrongBatches((model) => void this.forget(model));
  }

  private async forget(model: string): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const cleared = await this.cache.clear(model);
        this.logger.info({ msg: 'cached answers of a model were forgotten', model, ...cleared });
        return;
      } catch (error) {
        this.logger.error({
          msg: 'wrong answers of a model may still be cached',
          model,
          reason: reasonOf(error),
        });
        if (tries === TRIES) return;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }
}
