import { LeaseBook, type LeaseQuestion } from './lease-book';
import { LeasedRate, RateLimited } from './leased-rate';

/** A server of workers that spend one caller's rate, on a clock of its own. */
class Server {
  nowMs = 0;
  questions = 0;
  failing = false;
  private readonly book = new LeaseBook(100);

  worker(perSecond: number): LeasedRate {
    const ask = async (question: LeaseQuestion) => {
      this.questions++;
      await Promise.resolve();
      if (this.failing) throw new Error('the primary is gone');
      return this.book.lease(question, this.nowMs);
    };
    return new LeasedRate('caller', 'requests', perSecond, ask, () => this.nowMs);
  }
}

async function spends(rate: LeasedRate, cost = 1): Promise<boolean> {
  try {
    await rate.spend(cost);
    return true;
  } catch (error) {
    if (error instanceof RateLimited) return false;
    throw error;
  }
}

async function count(times: number, spend: () => Promise<boolean>): Promise<number> {
  let passed = 0;
  for (const ok of await Promise.all(Array.from({ length: times }, spend))) if (ok) passed++;
  return passed;
}

describe('a rate spent out of leases', () => {
  it('is exact on one worker', async () => {
    const server = new Server();
    const rate = server.worker(10);
    expect(await count(50, () => spends(rate))).toBe(10);
    server.nowMs = 500;
    expect(await count(50, () => spends(rate))).toBe(5);
  });

  it('is exact over workers, however requests fall on them', async () => {
    const server = new Server();
    const workers = Array.from({ length: 4 }, () => server.worker(20));
    let passed = 0;
    for (let i = 0; i < 200; i++) {
      server.nowMs = i * 50;
      for (const worker of [workers[i % 4]!, workers[0]!]) if (await spends(worker)) passed++;
    }
    // Ten seconds, of twice as many requests as it may send.
    expect(passed).toBeGreaterThanOrEqual(20 * 10);
    expect(passed).toBeLessThanOrEqual(20 + 20 * 10);
  });

  it('never lets through more than the rate, a burst and a lease for each worker', async () => {
    const server = new Server();
    const workers = Array.from({ length: 4 }, () => server.worker(200));
    let passed = 0;
    for (let i = 0; i < 1000; i++) {
      server.nowMs = i * 2;
      passed += await count(4, () => spends(workers[i % 4]!));
    }
    expect(passed).toBeLessThanOrEqual(200 + 200 * 2 + 4 * 10);
    expect(passed).toBeGreaterThan(200 * 2);
  });

  it('asks seldom: once for the tokens of fifty milliseconds', async () => {
    const server = new Server();
    const rate = server.worker(1000);
    for (let i = 0; i < 1000; i++) {
      server.nowMs = i * 2;
      expect(await spends(rate)).toBe(true);
    }
    expect(server.questions).toBeLessThanOrEqual(60);
  });

  it('asks nobody while it knows that there is nothing', async () => {
    const server = new Server();
    const rate = server.worker(1);
    expect(await spends(rate)).toBe(true);
    expect(await count(100, () => spends(rate))).toBe(0);
    const asked = server.questions;
    expect(await count(100, () => spends(rate))).toBe(0);
    expect(server.questions).toBe(asked);
    server.nowMs = 1000;
    expect(await spends(rate)).toBe(true);
  });

  it('counts rows: a batch larger than the rate goes through, and the next one waits', async () => {
    const server = new Server();
    const rate = server.worker(10);
    expect(await spends(rate, 30)).toBe(true);
    server.nowMs = 1900;
    expect(await spends(rate, 1)).toBe(false);
    server.nowMs = 2200;
    expect(await spends(rate, 1)).toBe(true);
  });

  it('does not save up what it did not spend', async () => {
    const server = new Server();
    const [one, two] = [server.worker(100), server.worker(100)];
    expect(await spends(one)).toBe(true);
    server.nowMs = 60_000;
    const passed = (await count(200, () => spends(two))) + (await count(200, () => spends(one)));
    expect(passed).toBe(100);
  });

  it('refuses with when to come back', async () => {
    const server = new Server();
    const rate = server.worker(0.5);
    await rate.spend(1);
    const refused = await Promise.resolve(rate.spend(1)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 2 });
    expect((refused as RateLimited).headers).toEqual([
      'ratelimit-policy',
      '"requests";q=1;w=2',
      'ratelimit',
      '"requests";r=0;t=2',
    ]);
  });

  it('settles all who wait when nobody answers, and asks again afterwards', async () => {
    const server = new Server();
    const rate = server.worker(5);
    server.failing = true;
    const waiting = [rate.spend(1), rate.spend(1)];
    for (const each of waiting) await expect(each).rejects.toThrow('the primary is gone');
    server.failing = false;
    expect(await spends(rate)).toBe(true);
  });
});
