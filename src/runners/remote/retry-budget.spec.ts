import { RetryBudget } from './retry-budget';

function spendAll(budget: RetryBudget): number {
  let spent = 0;
  while (budget.spend()) spent++;
  return spent;
}

describe('RetryBudget', () => {
  it('has its whole reserve at first, and no more', () => {
    const budget = new RetryBudget(10);
    for (let i = 0; i < 1000; i++) budget.earn();
    expect(spendAll(budget)).toBe(10);
    expect(budget.spend()).toBe(false);
  });

  it('grants one retry for five new calls once the reserve is gone', () => {
    const budget = new RetryBudget(10);
    spendAll(budget);
    for (let i = 0; i < 25; i++) budget.earn();
    expect(spendAll(budget)).toBe(5);
  });
});
