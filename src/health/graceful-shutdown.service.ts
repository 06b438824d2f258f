import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { HttpAdapterHost } from '@nestjs/core';
import { type HttpConfig, httpConfig } from '../config/config.slices';
import { Ipc } from '../process/ipc/ipc.service';
import { NestorExpressAdapter } from '../http/express.adapter';
import { Router } from '../http/router';
import { ServerReadiness } from './server-readiness';

/**
 * How long clients of a worker that leaves have for one more request on their connection, whose answer asks them to open
 * another one: a connection that was not used within that is closed, and what is sent in that instant lost.
 */
const LAST_REQUEST_MS = 3000;

/**
 * The first step of a stop: readiness turns off, and load balancers get time to see it while requests are
 * still taken. Nest closes the HTTP server after this, and only then are sessions unloaded. A worker whose server goes on
 * has no load balancer to wait for, and no hurry; where the server stops, they have had their time.
 */
@Injectable()
export class GracefulShutdownService implements BeforeApplicationShutdown {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    private readonly router: Router,
    private readonly condition: ServerReadiness,
    private readonly ipc: Ipc,
    private readonly host: HttpAdapterHost<NestorExpressAdapter>,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    const { http, ipc } = this;
    if (ipc.hasPrimary && !this.condition.isStopping) {
      this.router.drain();
      await this.host.httpAdapter.unused(Math.min(LAST_REQUEST_MS, http.shutdownTimeoutMs / 4));
    } else if (!ipc.toldToStop) {
      this.condition.stop();
      await sleep(http.shutdownDelayMs);
    }
  }
}
