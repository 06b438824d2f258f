import { ForecastErrors } from './cost-model';

function learn(
  errors: ForecastErrors,
  errorsMs: readonly number[],
  times = 40,
  level = 5,
  late = false,
): void {
  for (let i = 0; i < times; i++) {
    errors.ended(level, late);
    errors.record(level, errorsMs[i % errorsMs.length]!);
  }
}

describe('ForecastErrors', () => {
  it('allow nothing for forecasts that hold', () => {
    const errors = new ForecastErrors();
    expect(errors.allowanceMs(5)).toBe(0);
    learn(errors, [0]);
    expect(errors.allowanceMs(5)).toBe(0);
  });

  it('allow what a forecast is off each time, to either side', () => {
    const errors = new ForecastErrors();
    learn(errors, [12], 100);
    expect(errors.allowanceMs(5)).toBeCloseTo(12, 1);
    learn(errors, [-20], 100);
    expect(errors.allowanceMs(5)).toBeCloseTo(-20, 1);
  });

  it('count what one does not know for a request while all come in time, and against it once some come late', () => {
    const errors = new ForecastErrors();
    learn(errors, [0, 10], 100);
    expect(errors.isCalm(5)).toBe(true);
    expect(errors.allowanceMs(5)).toBeLessThan(0);
    learn(errors, [0, 10], 4, 5, true);
    expect(errors.isCalm(5)).toBe(false);
    expect(errors.allowanceMs(5)).toBeGreaterThan(10);
    expect(errors.allowanceMs(5)).toBeLessThan(20);
    learn(errors, [0, 10], 400);
    expect(errors.isCalm(5)).toBe(true);
  });

  it('stay careful while more than one in a hundred is late, and calm while fewer are', () => {
    const shareOfCare = (oneIn: number): boolean => {
      const errors = new ForecastErrors();
      for (let i = 0; i < 1000; i++) errors.ended(5, i % oneIn === 0);
      return !errors.isCalm(5);
    };
    expect([shareOfCare(60), shareOfCare(200)]).toEqual([true, false]);
  });

  it('forget a stall after some ten runs', () => {
    const errors = new ForecastErrors();
    learn(errors, [0]);
    errors.ended(5, true);
    errors.record(5, 100);
    learn(errors, [0], 3, 5, true);
    expect(errors.allowanceMs(5)).toBeGreaterThan(20);
    learn(errors, [0], 20);
    expect(errors.allowanceMs(5)).toBeLessThan(10);
  });

  it('hold nothing against the urgent that happens to the others', () => {
    const errors = new ForecastErrors();
    learn(errors, [50], 40, 9, true);
    expect([errors.allowanceMs(1), errors.isCalm(1)]).toEqual([0, true]);
  });
});
