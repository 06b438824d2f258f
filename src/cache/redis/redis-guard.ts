import { DomainError, reasonOf } from '../../errors/domain-error';
import type { TierCounters, TierState } from '../cache-tier';
import { type LiveConnection, RedisConnection, type RedisStore } from './redis-connection';
import type { EventLog } from '../../telemetry/logging/log-line';
import { isOpen, LeakyBreaker, probedCircuit } from '../../common/circuit';
import { TimedOut, within } from '../../common/time-limit';

const PROBE_MS = 1000;
/** While something is wrong. */
const PROBE_SOON_MS = 200;
/** A connection on which a PING takes longer is given up. */
const HANGS_MS = 1000;
/** Quick changes of state are one line of log. */
const LOG_AFTER_MS = 1000;

export interface GuardOptions {
  /** Never logged. */
  readonly url: string;
  /** How long a request may wait for Redis. */
  readonly timeoutMs: number;
  /** A key that nobody else uses. */
  readonly probeKey: string;
  readonly logger: EventLog;
}

/**
 * Stands between the cache and Redis, so that whatever becomes of Redis costs a request little: each operation has a
 * time limit, and none is begun while Redis is away, slow or refuses. A probe in the background, and no request, finds
 * out when it is back.
 */
export class RedisGuard {
  readonly counters: TierCounters = {
    hits: 0,
    misses: 0,
    unreadable: 0,
    skipped: 0,
    stored: 0,
    dropped: 0,
    readErrors: 0,
    readTimeouts: 0,
    writeErrors: 0,
    writeTimeouts: 0,
  };
  private readonly readBreaker = new LeakyBreaker();
  private readonly writeBreaker = new LeakyBreaker();
  private readonly reads = probedCircuit(this.readBreaker, (error) => !isForeign(error));
  private readonly writes = probedCircuit(this.writeBreaker, () => true);
  private readonly connection: RedisConnection;
  private reason = 'not connected yet';
  private logged: TierState | undefined;
  private logTimer: NodeJS.Timeout | undefined;
  private probeTimer: NodeJS.Timeout | undefined;
  private probing = false;
  private closed = false;

  constructor(private readonly options: GuardOptions) {
    for (const circuit of [this.reads, this.writes]) circuit.onStateChange(() => this.changed());
    this.connection = new RedisConnection(options.url, {
      connected: () => {
        this.changed();
        this.probeIn(0);
      },
      lost: (reason) => {
        this.reason = reason;
        this.changed();
      },
    });
  }

  get state(): TierState {
    if (!this.readable) return 'unreachable';
    return isOpen(this.writes) ? 'read-only' : 'connected';
  }

  get readable(): boolean {
    return this.connection.live !== undefined && !isOpen(this.reads);
  }

  get writable(): boolean {
    return this.readable && !isOpen(this.writes);
  }

  /** How often the circuits opened. */
  get opened(): number {
    return this.readBreaker.opened + this.writeBreaker.opened;
  }

  /** Begins to connect, and waits for nothing. */
  start(): void {
    this.connection.start();
    this.probeIn(PROBE_MS);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.probeTimer);
    clearTimeout(this.logTimer);
    await this.connection.close();
  }

  /** What the store has; undefined where it has nothing or nothing comes of asking. Never rejects. */
  async read(ask: (store: RedisStore) => Promise<unknown>): Promise<unknown> {
    const { live } = this.connection;
    if (live === undefined || isOpen(this.reads)) return undefined;
    try {
      return await this.reads.execute(() => within(this.options.timeoutMs, ask(live.store)));
    } catch (error) {
      if (isForeign(error)) this.counters.unreadable++;
      else {
        if (error instanceof TimedOut) this.counters.readTimeouts++;
        else this.counters.readErrors++;
        this.failed(error);
      }
      return undefined;
    }
  }

  /** Was it written? Never rejects. */
  async write(tell: (store: RedisStore) => Promise<unknown>): Promise<boolean> {
    const { live } = this.connection;
    if (live === undefined || !this.writable) return false;
    try {
      await this.writes.execute(() => within(this.options.timeoutMs, tell(live.store)));
      return true;
    } catch (error) {
      if (error instanceof TimedOut) this.counters.writeTimeouts++;
      else this.counters.writeErrors++;
      this.failed(error);
      return false;
    }
  }

  /** Does what no request waits for. @throws not_ready when it cannot be done */
  async control<T>(work: (client: LiveConnection['client']) => Promise<T>): Promise<T> {
    const { live } = this.connection;
    if (live === undefined) throw unavailable(this.reason);
    try {
      return await work(live.client);
    } catch (error) {
      throw unavailable(reasonOf(error));
    }
  }

  private failed(error: unknown): void {
    this.reason = reasonOf(error);
    if (this.isAnyOpen) this.probeIn(PROBE_SOON_MS);
  }

  private get isAnyOpen(): boolean {
    return isOpen(this.reads) || isOpen(this.writes);
  }

  private probeIn(delayMs: number): void {
    if (this.probing || this.closed) return;
    clearTimeout(this.probeTimer);
    this.probeTimer = setTimeout(() => void this.probe(), delayMs).unref();
  }

  private async probe(): Promise<void> {
    this.probing = true;
    const { live } = this.connection;
    if (live !== undefined) await this.tryOut(live);
    this.probing = false;
    this.probeIn(this.isAnyOpen ? PROBE_SOON_MS : PROBE_MS);
  }

  private async tryOut({ client }: LiveConnection): Promise<void> {
    const { timeoutMs, probeKey } = this.options;
    const startMs = performance.now();
    let answered = false;
    try {
      await this.reads.execute(async () => {
        const reply = await within(HANGS_MS, client.ping());
        if (reply !== 'PONG') throw new Error('the server does not answer PING with PONG');
        answered = true;
        if (performance.now() - startMs > timeoutMs) throw new TimedOut(timeoutMs);
      });
    } catch (error) {
      this.failed(error);
      if (!answered) this.connection.abandon(reasonOf(error));
      return;
    }
    if (!isOpen(this.writes)) return;
    try {
      await this.writes.execute(() => within(timeoutMs, client.set(probeKey, '', { PX: 1 })));
    } catch (error) {
      this.reason = reasonOf(error);
    }
  }

  private changed(): void {
    if (this.closed) return;
    this.logTimer ??= setTimeout(() => {
      this.logTimer = undefined;
      this.report();
    }, LOG_AFTER_MS).unref();
  }

  private report(): void {
    const { state, reason } = this;
    if (state === this.logged) return;
    this.logged = state;
    if (state === 'connected') this.options.logger.info({ msg: 'Redis is connected' });
    else
      this.options.logger.warn({ msg: 'Redis cannot be used fully; models run without it', state, reason });
  }
}

/** A value that is not this cache's: no JSON, or not a string at all. */
function isForeign(error: unknown): boolean {
  return error instanceof Error && (error.name === 'SyntaxError' || error.message.startsWith('WRONGTYPE'));
}

function unavailable(reason: string): DomainError {
  return new DomainError('not_ready', `Redis cannot be used: ${reason}.`, { retryAfterSeconds: 1 });
}
