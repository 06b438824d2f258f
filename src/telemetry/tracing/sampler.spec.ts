import { Sampler, type SamplerSettings } from './sampler';
import { newSpanId } from './trace-context';

const parent = (sampled: boolean, traceId = '0af7651916cd43dd8448eb211c80319c') => ({
  traceId,
  spanId: newSpanId(),
  sampled,
});

function sampler(settings: Partial<SamplerSettings>, random = 0.5, now = { ms: 0 }): Sampler {
  const all = { parentBased: true, ratio: 0, maxPerSecond: 1000, ...settings };
  return new Sampler(
    all,
    () => now.ms,
    () => random,
  );
}

describe('a sampler', () => {
  it('follows a caller, and draws where there is none', () => {
    for (const ratio of [0, 1]) {
      const one = sampler({ ratio });
      expect([one.samples(parent(true)), one.samples(parent(false))]).toEqual([true, false]);
      expect(one.samples(undefined)).toBe(ratio === 1);
    }
    expect(sampler({ ratio: 0.51 }).samples(undefined)).toBe(true);
    expect(sampler({ ratio: 0.5 }).samples(undefined)).toBe(false);
  });

  it('decides by the trace alone where callers have no say', () => {
    const one = sampler({ parentBased: false, ratio: 0.5 });
    const [low, high] = ['7', '8'].map((digit) => `0af7651916cd43dd844${digit}ffffffffffff`);
    expect([one.samples(parent(false, low)), one.samples(parent(true, high))]).toEqual([true, false]);
    const all = sampler({ parentBased: false, ratio: 1 });
    expect(all.samples(parent(false, 'f'.repeat(32)))).toBe(true);
  });

  it('takes so many in a second, whoever wants more', () => {
    const now = { ms: 0 };
    const one = sampler({ ratio: 1, maxPerSecond: 2 }, 0, now);
    const three = () => [one.samples(undefined), one.samples(parent(true)), one.samples(parent(true))];
    expect(three()).toEqual([true, true, false]);
    now.ms = 999;
    expect(one.samples(parent(true))).toBe(false);
    now.ms = 1000;
    expect(three()).toEqual([true, true, false]);
    expect(sampler({ ratio: 1, maxPerSecond: 0 }).samples(parent(true))).toBe(false);
  });
});
