import { EventLogger } from '../../telemetry/logging/event-logger';
import { CountBreaker } from 'cockatiel';
import { reasonOf } from '../../errors/domain-error';
import { FAMILIES } from '../../telemetry/metrics/metric-families';
import type { RemoteOutcome } from '../../telemetry/metrics/outcome';
import type { Tally } from '../../telemetry/metrics/recorder';
import { isOpen, probedCircuit } from '../../common/circuit';
import type { Clock } from '../../common/clock';
import { RemoteFault } from './remote-fault';

/** Of the last calls, more than half must have failed, five at least. */
const BREAKER = { size: 10, threshold: 0.49, minimumNumberOfCalls: 5 };
const FIRST_EJECTION_MS = 1000;
const LONGEST_EJECTION_MS = 30_000;
/** What was seen within this time need not be asked for. */
const FRESH_MS = 5000;

export interface EndpointOptions {
  readonly model: string;
  readonly url: URL;
  /** Asks whether it would take calls; rejects when it would not. */
  readonly probe: (signal: AbortSignal) => Promise<void>;
  readonly recorder: Tally<'remotes'>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

/**
 * One place where a model is served, and what is known of it. When its calls keep failing it is ejected: no call
 * goes there any more until a probe (never a client's request) has succeeded, which is tried ever more seldom.
 */
export class RemoteEndpoint {
  /** Calls under way. */
  outstanding = 0;
  /** When the next probe is due, while it is ejected. */
  probeAtMs = 0;
  private readonly logger = new EventLogger('Remote');
  private readonly breaker = probedCircuit(
    new CountBreaker(BREAKER),
    (error) => error instanceof RemoteFault && error.againstRemote,
  );
  /** Is it ejected, as far as was said? */
  private out = false;
  /** Ejections in a row: since the last call that succeeded. */
  private inARow = 0;
  private lastFault: string | undefined;
  private lastSeenMs = -Infinity;
  private probing: Promise<void> | undefined;
  private timer: unknown;
  private readonly closed = new AbortController();

  constructor(private readonly options: EndpointOptions) {
    this.breaker.onBreak((why) => this.ejected('error' in why ? reasonOf(why.error) : ''));
    this.breaker.onReset(() => this.isBack());
  }

  get url(): URL {
    return this.options.url;
  }

  /** Its host and port: what it is called in logs and metrics. */
  get host(): string {
    return this.options.url.host;
  }

  get recorder(): Tally<'remotes'> {
    return this.options.recorder;
  }

  get labels(): { model: string; remote: string } {
    return { model: this.options.model, remote: this.host };
  }

  /** May calls go there? */
  get inUse(): boolean {
    return !isOpen(this.breaker);
  }

  /** Why the last call or probe failed; undefined when it did not. */
  get fault(): string | undefined {
    return this.lastFault;
  }

  /** Makes a call there, and learns from it. Only while it is in use. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    const { clock, recorder } = this.options;
    const startMs = clock.now();
    this.outstanding++;
    recorder.add(FAMILIES.remoteOutstanding.at);
    try {
      const result = await this.breaker.execute(work);
      this.called('success', clock.now() - startMs);
      this.inARow = 0;
      this.seen(undefined);
      return result;
    } catch (error) {
      if (error instanceof RemoteFault) {
        this.called(error.kind, clock.now() - startMs);
        if (error.againstRemote) this.seen(error.message);
      }
      throw error;
    } finally {
      this.outstanding--;
      recorder.add(FAMILIES.remoteOutstanding.at, -1);
    }
  }

  /** Is it known to answer? What is known is renewed in the background when it is old. */
  get ready(): boolean {
    if (!this.inUse) return false;
    if (this.options.clock.now() - this.lastSeenMs > FRESH_MS) void this.probe();
    return this.lastFault === undefined;
  }

  /** Asks once, however many want to know. Never rejects. */
  probe(): Promise<void> {
    this.probing ??= this.breaker
      .execute(() => this.options.probe(this.closed.signal))
      .then(
        () => this.seen(undefined),
        (error: unknown) => this.seen(reasonOf(error)),
      )
      .finally(() => (this.probing = undefined));
    return this.probing;
  }

  close(): void {
    const { clock, recorder } = this.options;
    clock.clearTimeout(this.timer);
    this.closed.abort();
    if (this.out) recorder.add(FAMILIES.remoteEjected.at, -1);
  }

  /** An attempt of a call ended. */
  private called(outcome: RemoteOutcome, ms: number): void {
    this.recorder.add(FAMILIES.remoteCalls.at[outcome]);
    this.recorder.observe(FAMILIES.remoteCallDuration.at, ms);
  }

  private async probeAgain(): Promise<void> {
    // One that began before the ejection cannot end it.
    await this.probing;
    if (!this.closed.signal.aborted) await this.probe();
  }

  private seen(fault: string | undefined): void {
    this.lastSeenMs = this.options.clock.now();
    this.lastFault = fault;
  }

  private isBack(): void {
    if (this.closed.signal.aborted) return;
    this.out = false;
    this.options.recorder.add(FAMILIES.remoteEjected.at, -1);
    this.logger.info({ msg: 'remote is back', ...this.labels });
  }

  private ejected(reason: string): void {
    if (this.closed.signal.aborted) return;
    const { clock, random, recorder } = this.options;
    if (!this.out) {
      recorder.add(FAMILIES.remoteEjected.at);
      recorder.add(FAMILIES.remoteEjections.at);
    }
    this.out = true;
    const longestMs = Math.min(FIRST_EJECTION_MS * 2 ** this.inARow++, LONGEST_EJECTION_MS);
    const delayMs = longestMs * (0.5 + random() / 2);
    this.probeAtMs = clock.now() + delayMs;
    clock.clearTimeout(this.timer);
    this.timer = clock.setTimeout(() => void this.probeAgain(), delayMs);
    this.logger.warn({ msg: 'remote ejected', ...this.labels, ms: Math.round(delayMs), reason });
  }
}
