import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpConfig, httpConfig } from '../config/config.slices';
import { Ipc } from '../process/ipc/ipc.service';
import { Router } from '../http/router';
import { ServerReadiness } from './server-readiness';

/**
 * The first step of a stop: readiness turns off, and load balancers get time to see it while requests are
 * still taken. Nest closes the HTTP server after this, and only then are sessions unloaded. A worker that its primary
 * tells to stop has nothing to wait for: others go on serving, or load balancers have had their time.
 */
@Injectable()
export class GracefulShutdownService implements BeforeApplicationShutdown {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    private readonly router: Router,
    private readonly condition: ServerReadiness,
    private readonly ipc: Ipc,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    if (this.ipc.toldToStop) {
      this.router.drain();
      return;
    }
    this.condition.stop();
    await sleep(this.http.shutdownDelayMs);
  }
}
