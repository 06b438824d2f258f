import { Injectable } from '@nestjs/common';
import { Ipc } from '../process/ipc/ipc.service';
import { type Condition, CONDITION } from '../process/ipc/messages';

/** Whether the server as a whole wants requests, whatever its models say: for readiness. */
@Injectable()
export class ServerReadiness {
  private stopping = false;
  private crashLooping = 0;

  constructor(ipc: Ipc) {
    ipc.handle<Condition, void>(CONDITION, ({ crashLooping }) => {
      this.crashLooping = crashLooping;
    });
  }

  stop(): void {
    this.stopping = true;
  }

  /** Why it does not want any; undefined when it does. */
  get fault(): string | undefined {
    if (this.stopping) return 'shutting down';
    if (this.crashLooping > 0) return `workers keep dying in ${this.crashLooping} places`;
    return undefined;
  }
}
