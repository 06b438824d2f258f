import fc from 'fast-check';
import { LeaseBook } from './lease-book';

const ask = (perSecond: number, wanted = 1, least = 1) => ({ key: 'a', perSecond, wanted, least });

describe('the book of leases', () => {
  it("gives a second's worth at once, and then as much as is earned", () => {
    const book = new LeaseBook(10);
    expect(book.lease(ask(10, 100), 5000)).toEqual({ tokens: 10, retryAfterMs: 0 });
    expect(book.lease(ask(10), 5000)).toEqual({ tokens: 0, retryAfterMs: 100 });
    expect(book.lease(ask(10), 5099)).toEqual({ tokens: 0, retryAfterMs: 1 });
    expect(book.lease(ask(10), 5100)).toEqual({ tokens: 1, retryAfterMs: 0 });
    expect(book.lease(ask(10, 100), 99_999)).toEqual({ tokens: 10, retryAfterMs: 0 });
  });

  it('gives one in ten seconds where the rate is a tenth', () => {
    const book = new LeaseBook(10);
    expect(book.lease(ask(0.1, 5), 0).tokens).toBe(1);
    expect(book.lease(ask(0.1), 1)).toEqual({ tokens: 0, retryAfterMs: 9999 });
    expect(book.lease(ask(0.1), 10_000).tokens).toBe(1);
  });

  it("lets more than a second's worth through when nothing is owed, and has it earned afterwards", () => {
    const book = new LeaseBook(10);
    expect(book.lease(ask(10, 35, 35), 0)).toEqual({ tokens: 35, retryAfterMs: 0 });
    expect(book.lease(ask(10), 0)).toEqual({ tokens: 0, retryAfterMs: 2600 });
    expect(book.lease(ask(10), 2600).tokens).toBe(1);
  });

  it('keeps callers apart', () => {
    const book = new LeaseBook(10);
    expect(book.lease({ ...ask(1), key: 'a' }, 0).tokens).toBe(1);
    expect(book.lease({ ...ask(1), key: 'b' }, 0).tokens).toBe(1);
    expect(book.lease({ ...ask(1), key: 'a' }, 0).tokens).toBe(0);
  });

  it('forgets the idlest, and never holds more than it may', () => {
    const book = new LeaseBook(1000);
    for (let i = 0; i < 50_000; i++) {
      book.lease({ ...ask(1), key: 'busy' }, i * 1000);
      book.lease({ ...ask(1), key: `caller ${i}` }, i * 1000);
    }
    expect(book.size).toBe(1000);
    expect(book.lease({ ...ask(1), key: 'busy' }, 49_999_000).tokens).toBe(0);
  });

  it('never gives more than the rate and one burst, whoever asks when', () => {
    const question = fc.record({
      stepMs: fc.nat(400),
      wanted: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(question, { maxLength: 60 }),
        (rate, questions) => {
          const book = new LeaseBook(10);
          let nowMs = 0;
          let given = 0;
          for (const { stepMs, wanted } of questions) {
            nowMs += stepMs;
            given += book.lease(ask(rate, wanted), nowMs).tokens;
          }
          expect(given).toBeLessThanOrEqual(rate + (rate * nowMs) / 1000 + 1e-3);
        },
      ),
    );
  });
});
