import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import { type AccessConfig, accessConfig } from '../config/config.slices';
import { Ipc } from '../process/ipc/ipc.service';
import { MetricsService } from '../telemetry/metrics/metrics.service';
import { AccessKeeper, TELL_MS } from './access-keeper';
import { TOPIC } from './messages';

/** The keeper of a server of one process; where there is a primary, the primary has it. */
@Injectable()
export class LocalKeeper implements OnApplicationShutdown {
  private readonly logger = new EventLogger(LocalKeeper.name);
  private readonly keeper: AccessKeeper | undefined;

  constructor(@Inject(accessConfig.KEY) config: AccessConfig, ipc: Ipc, metrics: MetricsService) {
    if (ipc.hasPrimary) return;
    const keeper = new AccessKeeper({
      config,
      tell: (known) => void ipc.askAll(TOPIC.changed, known, TELL_MS),
      log: this.logger,
    });
    keeper.serve(ipc);
    metrics.countAccessFailures(() => keeper.failures);
    this.keeper = keeper;
  }

  /** @throws ConfigurationError */
  async start(): Promise<void> {
    await this.keeper?.start();
  }

  onApplicationShutdown(): void {
    this.keeper?.stop();
  }
}
