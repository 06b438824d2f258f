import { ForecastErrors } from './forecast-error';

function learn(errors: ForecastErrors, errorsMs: readonly number[], times = 40, level = 5): void {
  for (let i = 0; i < times; i++) errors.record(level, errorsMs[i % errorsMs.length]!);
}

describe('ForecastErrors', () => {
  it('allow nothing for forecasts that hold, or are too dark', () => {
    const errors = new ForecastErrors();
    expect(errors.allowanceMs(5)).toBe(0);
    learn(errors, [0]);
    expect(errors.allowanceMs(5)).toBe(0);
    learn(errors, [-20]);
    expect(errors.allowanceMs(5)).toBe(0);
  });

  it('allow what a forecast is off each time', () => {
    const errors = new ForecastErrors();
    learn(errors, [12], 100);
    expect(errors.allowanceMs(5)).toBeCloseTo(12, 1);
  });

  it('allow more where one does not know', () => {
    const errors = new ForecastErrors();
    learn(errors, [0, 10], 100);
    expect(errors.allowanceMs(5)).toBeGreaterThan(10);
    expect(errors.allowanceMs(5)).toBeLessThan(20);
  });

  it('forget a stall after some ten runs', () => {
    const errors = new ForecastErrors();
    learn(errors, [0]);
    errors.record(5, 100);
    expect(errors.allowanceMs(5)).toBeGreaterThan(20);
    learn(errors, [0], 20);
    expect(errors.allowanceMs(5)).toBeLessThan(10);
  });

  it('hold nothing against the urgent that happens to the others', () => {
    const errors = new ForecastErrors();
    learn(errors, [50], 40, 9);
    expect(errors.allowanceMs(1)).toBe(0);
  });
});
