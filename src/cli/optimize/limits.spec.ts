import { checksOf, readLimits, usualLimits } from './limits';
import type { Proof } from './proof';

const speed = (times: number): { beforeMs: number; afterMs: number; times: number } => ({
  beforeMs: times,
  afterMs: 1,
  times,
});

const PROOF: Proof = {
  originalBytes: 100,
  sizeBytes: 30,
  accuracy: {
    rows: 9,
    cos: 0.996,
    cosMin: 0.97,
    maxRelative: 0.01,
    top1: 0.9,
    top1Sure: 0.98,
    flippedMargin: 0.05,
  },
  own: true,
  apart: undefined,
  speed: { one: speed(1.5), eight: speed(0.98) },
  unoptimised: 1,
  saved: true,
};

/** The same of vectors, which have no largest. */
const VECTORS: Proof = { ...PROOF, accuracy: { rows: 9, cos: 0.996, cosMin: 0.97, maxRelative: 0.01 } };

/** The limits that do not hold. */
function failing(require: string, { own = true, isExact = false, proof = PROOF } = {}): string[] {
  const usual = usualLimits(isExact, own, 0.995);
  const checks = checksOf(proof, readLimits(require), usual, { isExact, needsSpeed: true });
  return checks.filter(({ ok }) => !ok).map(({ limit }) => limit);
}

describe('limits', () => {
  it('are the usual ones where none is asked for', () => {
    expect(failing('', { proof: VECTORS })).toEqual(['cosmin >= 0.98']);
    expect(failing('')).toEqual([]);
    expect(failing('', { isExact: true })).toEqual([
      'maxrel <= 0.001',
      'a class is another one only at a margin <= 0.001',
    ]);
  });

  it('ask less of rows that were made up', () => {
    expect(failing('', { own: false, proof: VECTORS })).toEqual([]);
  });

  it('take the place of the usual ones of the same figure', () => {
    expect(failing('cos>=0.99')).toEqual([]);
    expect(failing('cos>=0.999')).toEqual(['cos >= 0.999']);
    expect(failing('speed>=1.3, cosmin>=0.9')).toEqual(['speed >= 1.3']);
    expect(failing('speed1>=1.3 speed8>=0.9 cosmin>=0.9 size<=0.25')).toEqual(['size <= 0.25']);
  });

  it('do not hold of what is not known', () => {
    expect(failing('nn>=0.5 cos>=0.9')).toEqual(['nn >= 0.5']);
  });

  it.each(['fast', 'speed>1', 'speed>=', 'speed>=x', 'toString>=1', 'speed >= 1'])(
    'cannot be "%s"',
    (text) => {
      expect(() => readLimits(text)).toThrow(/--require takes limits such as/);
    },
  );
});
