import { EventLogger } from '../telemetry/logging/event-logger';
import { type DomainError, type ErrorCode, ERRORS, naming } from '../errors/domain-error';

/** How often what was refused is said. */
const INTERVAL_MS = 1000;
/** Models that are told apart in one line's time; the rest is counted together. */
const MOST_KINDS = 100;

interface Count {
  readonly model: string | undefined;
  readonly code: ErrorCode;
  count: number;
  /** What the last one was told. */
  message: string;
}

/** Requests that this server could not answer as it had too much to do come by the thousand: they are said once a second, with their number. */
export class RefusalLog {
  private readonly logger = new EventLogger('Refusals');
  private readonly counts = new Map<string, Count>();
  private timer: NodeJS.Timeout | undefined;

  /** Is it one of those? A client's own mistakes and limits are not. */
  concerns({ code }: DomainError): boolean {
    const { status, outcome } = ERRORS[code];
    return status >= 500 && (outcome === 'rejected' || outcome === 'deadline');
  }

  /** @param model only of a model that there is */
  note(error: DomainError, model: string | undefined): void {
    const { code } = error;
    const message = naming(error);
    const key = this.counts.size < MOST_KINDS ? `${code} ${model}` : code;
    const known = this.counts.get(key);
    if (known === undefined) {
      this.counts.set(key, { model: key === code ? undefined : model, code, count: 1, message });
    } else {
      known.count++;
      known.message = message;
    }
    this.timer ??= setTimeout(() => this.flush(), INTERVAL_MS).unref();
  }

  /** Says what has not been said yet. */
  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const { model, code, count, message } of this.counts.values()) {
      this.logger.warn({ msg: 'requests refused', model, code, count, last: message });
    }
    this.counts.clear();
  }
}
