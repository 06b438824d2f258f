import { DomainError, type ErrorCode } from '../errors/domain-error';
import { systemClock } from '../common/clock';
import { FakeClock } from '../scheduling/testing/fake-clock';
import { SingleFlight, type Waiter } from './single-flight';

interface Work {
  give(value: string): void;
  fail(code: ErrorCode): void;
}

/** Work that ends when the test says so, in the order in which it was begun. */
class Workshop {
  readonly begun: Work[] = [];
  readonly lead = (): Promise<string> =>
    new Promise((resolve, reject) => {
      this.begun.push({ give: resolve, fail: (code) => reject(new DomainError(code, code)) });
    });
}

const patient: Waiter = { priority: 5, deadlineMs: Infinity };
const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('SingleFlight', () => {
  let shop: Workshop;
  let flights: SingleFlight<string>;
  const ask = (waiter: Partial<Waiter> = {}, key = 'k') =>
    flights.run(key, { ...patient, ...waiter }, shop.lead);
  const outcome = (asked: ReturnType<typeof ask>): Promise<unknown> =>
    asked.then(
      ({ value, shared }) => [value, shared],
      (error: unknown) => (error as DomainError).code,
    );

  beforeEach(() => {
    shop = new Workshop();
    flights = new SingleFlight(100, systemClock);
  });

  it('has one of several equal requests work, and gives its answer to all', async () => {
    const asked = [ask(), ask(), ask()].map(outcome);
    expect(shop.begun).toHaveLength(1);
    shop.begun[0]!.give('a');
    expect(await Promise.all(asked)).toEqual([
      ['a', false],
      ['a', true],
      ['a', true],
    ]);
  });

  it('keeps different requests, and those that come later, apart', async () => {
    const first = ask();
    const other = ask({}, 'other');
    shop.begun[0]!.give('a');
    shop.begun[1]!.give('b');
    expect(await Promise.all([outcome(first), outcome(other)])).toEqual([
      ['a', false],
      ['b', false],
    ]);
    const later = ask();
    shop.begun[2]!.give('c');
    expect(await outcome(later)).toEqual(['c', false]);
  });

  it.each(['client_closed_request', 'deadline_exceeded'] as const)(
    'lets the next one lead where the leader ended with %s',
    async (code) => {
      const asked = [ask(), ask(), ask()].map(outcome);
      shop.begun[0]!.fail(code);
      await turns();
      expect(shop.begun).toHaveLength(2);
      shop.begun[1]!.give('b');
      expect(await Promise.all(asked)).toEqual([code, ['b', false], ['b', true]]);
    },
  );

  it.each(['runtime_failure', 'overloaded', 'model_unavailable'] as const)(
    'lets each follower work for itself where the leader ended with %s',
    async (code) => {
      const asked = [ask(), ask(), ask()].map(outcome);
      shop.begun[0]!.fail(code);
      await turns();
      expect(shop.begun).toHaveLength(3);
      shop.begun[1]!.give('b');
      shop.begun[2]!.fail(code);
      expect(await Promise.all(asked)).toEqual([code, ['b', false], code]);
    },
  );

  it("keeps each follower's own deadline", async () => {
    const clock = new FakeClock();
    flights = new SingleFlight(100, clock);
    const leader = outcome(ask());
    const hasty = outcome(ask({ deadlineMs: clock.now() + 10 }));
    const calm = outcome(ask({ deadlineMs: clock.now() + 1000 }));
    await clock.advance(11);
    expect(await hasty).toBe('deadline_exceeded');
    shop.begun[0]!.give('a');
    expect([await leader, await calm]).toEqual([
      ['a', false],
      ['a', true],
    ]);
  });

  it('lets a follower go whose client left', async () => {
    const left = new AbortController();
    const gone = { aborted: false };
    const leader = outcome(ask());
    const follower = outcome(ask({ signal: left.signal }));
    const silent = outcome(ask({ signal: gone }));
    left.abort();
    expect(await follower).toBe('client_closed_request');
    gone.aborted = true;
    shop.begun[0]!.give('a');
    expect([await leader, await silent]).toEqual([['a', false], 'client_closed_request']);
  });

  it('has an urgent request work instead of wait behind one that is less so, and others follow it', async () => {
    const slow = outcome(ask({ priority: 9 }));
    const urgent = outcome(ask({ priority: 1 }));
    expect(shop.begun).toHaveLength(2);
    const third = outcome(ask({ priority: 9 }));
    shop.begun[1]!.give('b');
    expect([await urgent, await third]).toEqual([
      ['b', false],
      ['b', true],
    ]);
    shop.begun[0]!.give('a');
    expect(await slow).toEqual(['a', false]);
  });

  it('has those work who are too many to wait', async () => {
    flights = new SingleFlight(1, systemClock);
    const asked = [ask(), ask(), ask()].map(outcome);
    expect(shop.begun).toHaveLength(2);
    shop.begun[0]!.give('a');
    shop.begun[1]!.give('b');
    expect(await Promise.all(asked)).toEqual([
      ['a', false],
      ['a', true],
      ['b', false],
    ]);
  });
});
