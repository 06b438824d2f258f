import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpConfig, httpConfig } from '../config/config.slices';
import { FrontDoor } from './front-door';

/**
 * The first step of a stop: readiness turns off, and load balancers get time to see it while requests are
 * still taken. Nest closes the HTTP server after this, and only then are sessions unloaded.
 */
@Injectable()
export class DrainingService implements BeforeApplicationShutdown {
  constructor(
    @Inject(httpConfig.KEY) private readonly http: HttpConfig,
    private readonly frontDoor: FrontDoor,
  ) {}

  async beforeApplicationShutdown(): Promise<void> {
    this.frontDoor.drain();
    await sleep(this.http.shutdownDelayMs);
  }
}
