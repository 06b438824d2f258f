import { PassingMap } from '../common/passing';
import { DomainError, type ErrorCode } from '../errors/domain-error';
import type { Clock } from '../common/clock';
import { priorityLevel, type ScheduledRequest } from '../scheduling/scheduled-request';
import { CLIENT_LEFT } from '../scheduling/request-ledger';

/** What of a request matters while it waits for another one's answer. */
export type Waiter = Pick<ScheduledRequest, 'priority' | 'deadlineMs' | 'signal'>;

export interface Flown<T> {
  readonly value: T;
  /** Is it another request's answer? */
  readonly shared: boolean;
}

/** How a leader's work ended; a promise of it never rejects. */
type Ending<T> = { readonly value: T } | { readonly error: unknown };

interface Flight<T> {
  readonly level: number;
  readonly ended: Promise<Ending<T>>;
}

/** Made once: an error's stack takes longer than all the rest here. */
const LATE = new DomainError('deadline_exceeded', 'The deadline passed while an equal request ran');

/** Endings of a leader that say nothing of its followers. */
const THE_LEADERS_OWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'client_closed_request',
  'deadline_exceeded',
]);

/**
 * Lets equal requests that are under way at the same time share one answer: the first one leads, the others follow.
 * Each keeps its own deadline and its own way out. No leader's failure is handed on: where it left or was late, the
 * next one leads; where its run failed, each follower runs for itself.
 */
export class SingleFlight<T> {
  private readonly flights = new PassingMap<string, Flight<T>>();
  private followers = 0;

  /** @param maxFollowers who may wait at one time; further ones lead themselves, where admission sees them */
  constructor(
    private readonly maxFollowers: number,
    private readonly clock: Clock,
  ) {}

  /** @throws what `lead` throws, and for a follower `deadline_exceeded` and `client_closed_request` */
  async run(key: string, waiter: Waiter, lead: () => Promise<T>): Promise<Flown<T>> {
    const level = priorityLevel(waiter.priority);
    for (;;) {
      const flight = this.flights.get(key);
      // An urgent request does not wait behind one that is less so.
      if (flight === undefined || flight.level > level) return this.lead(key, level, lead);
      if (this.followers >= this.maxFollowers) break;
      const ending = await this.follow(flight, waiter);
      if ('value' in ending) return { value: ending.value, shared: true };
      if (!(ending.error instanceof DomainError && THE_LEADERS_OWN.has(ending.error.code))) break;
    }
    return { value: await lead(), shared: false };
  }

  private async lead(key: string, level: number, lead: () => Promise<T>): Promise<Flown<T>> {
    const work = lead();
    const ended = work.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const flight = { level, ended };
    this.flights.set(key, flight);
    try {
      return { value: await work, shared: false };
    } finally {
      if (this.flights.get(key) === flight) this.flights.delete(key);
    }
  }

  private async follow(flight: Flight<T>, { deadlineMs, signal }: Waiter): Promise<Ending<T>> {
    const { clock } = this;
    let timer: unknown;
    let leave: { handleEvent(): void } | undefined;
    const cutShort = new Promise<never>((_, reject) => {
      if (deadlineMs < Infinity) {
        timer = clock.setTimeout(() => reject(LATE), Math.max(0, deadlineMs - clock.now()));
      }
      leave = { handleEvent: () => reject(CLIENT_LEFT) };
      signal?.addEventListener?.('abort', leave);
    });
    this.followers++;
    try {
      const ending = await Promise.race([flight.ended, cutShort]);
      if (signal?.aborted === true) throw CLIENT_LEFT;
      return ending;
    } finally {
      this.followers--;
      clock.clearTimeout(timer);
      if (leave !== undefined) signal?.removeEventListener?.('abort', leave);
    }
  }
}
