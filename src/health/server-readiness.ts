import { Injectable } from '@nestjs/common';
import { Router } from '../http/router';
import { Ipc } from '../process/ipc/ipc.service';
import { type Condition, CONDITION } from '../process/ipc/messages';

/** Whether the server as a whole wants requests, whatever its models say: for readiness. */
@Injectable()
export class ServerReadiness {
  private stopping = false;
  private crashLooping = 0;

  constructor(
    ipc: Ipc,
    private readonly router: Router,
  ) {
    ipc.handle<Condition, void>(CONDITION, ({ crashLooping, stopping }) => {
      this.crashLooping = crashLooping;
      if (stopping) this.stop();
    });
  }

  /** From now on it wants none, and has those who keep a connection leave it with their next answer. */
  stop(): void {
    this.stopping = true;
    this.router.drain();
  }

  get isStopping(): boolean {
    return this.stopping;
  }

  /** Why it does not want any; undefined when it does. */
  get fault(): string | undefined {
    if (this.stopping) return 'shutting down';
    if (this.crashLooping > 0) return `workers keep dying in ${this.crashLooping} places`;
    return undefined;
  }
}
