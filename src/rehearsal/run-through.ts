import { setImmediate as nextTurn } from 'node:timers/promises';
import { serverOptions } from '../http/server-options';
import type { CodecThread } from '../inference/codec-thread';
import { Caller } from './caller';
import { Gaps, type Traffic } from './gaps';
import { PrivateServer } from './private-server';
import { Script } from './script';
import { Stage, type StageSettings } from './stage';

export interface RunThroughLimits {
  /** Requests that it takes to compile their way. */
  readonly requests: number;
  /** At a time. */
  readonly connections: number;
  readonly requestsPerConnection: number;
  /** So many real requests have compiled it themselves. */
  readonly realRequests: number;
  /** Where nobody leaves it time, it is given up. */
  readonly longestMs: number;
}

export const LIMITS: RunThroughLimits = {
  requests: 2000,
  connections: 2,
  requestsPerConnection: 20,
  realRequests: 5000,
  longestMs: 600_000,
};

/** What became of its requests. */
export interface Tally {
  answered: number;
  refused: number;
}

/** One rehearsal, from its first request to its last. */
export class RunThrough {
  readonly tally: Tally = { answered: 0, refused: 0 };
  private readonly firstReal: number;
  private readonly endMs: number;
  private readonly gaps: Gaps;
  private readonly script: Script;
  private sent = 0;

  constructor(
    private readonly settings: StageSettings,
    private readonly codecThread: CodecThread,
    private readonly traffic: Traffic,
    private readonly signal: AbortSignal,
    private readonly limits: RunThroughLimits = LIMITS,
  ) {
    this.firstReal = traffic.begun;
    this.endMs = performance.now() + limits.longestMs;
    this.gaps = new Gaps(traffic, signal);
    this.script = new Script(settings.app.apiPrefix);
  }

  /** Resolves when all is closed again. @throws when it ended before its time */
  async go(): Promise<void> {
    while (!this.isOver()) await this.scene();
  }

  /**
   * Some requests on new connections to a new stage. What is compiled has to know objects of all ages: a socket or a
   * queue before its first request is of another hidden class than after it, and so are the real ones.
   */
  private async scene(): Promise<void> {
    const { limits, signal } = this;
    const stage = await Stage.open(this.settings, this.codecThread);
    const server = this.serverOf(stage);
    const leave = (): void => server.close();
    signal.addEventListener('abort', leave, { once: true });
    try {
      const port = await server.listen();
      const sockets = await server.connect(port, limits.connections, signal);
      await Promise.all(sockets.map((socket) => this.call(new Caller(socket))));
      await server.empty(signal);
    } finally {
      signal.removeEventListener('abort', leave);
      server.close();
      // In which the server learns that its connections are gone.
      await nextTurn();
      await stage.close();
    }
  }

  private serverOf(stage: Stage): PrivateServer {
    // While it waits for real requests to end, its connections may be idle for long.
    const options = { ...serverOptions(this.settings.http), keepAliveTimeout: this.limits.longestMs };
    return new PrivateServer(options, (req, res) =>
      stage.frontDoor.handle(req, res, () => void req.socket.destroy()),
    );
  }

  private async call(caller: Caller): Promise<void> {
    for (let asked = 0; asked < this.limits.requestsPerConnection; asked++) {
      for (let gap = this.gaps.next(); gap !== undefined && !this.isOver(); gap = this.gaps.next()) await gap;
      if (this.isOver()) return;
      const status = await caller.ask(this.script.line(this.sent++));
      // A fault of this server's, which is logged like any other: once is enough.
      if (status >= 500) throw new Error(`a request was answered with ${status}`);
      if (status < 400) this.tally.answered++;
      else this.tally.refused++;
    }
  }

  private isOver(): boolean {
    const { requests, realRequests } = this.limits;
    this.signal.throwIfAborted();
    return (
      this.sent >= requests ||
      this.traffic.begun - this.firstReal >= realRequests ||
      performance.now() >= this.endMs
    );
  }
}
