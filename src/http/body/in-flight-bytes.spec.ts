import type { HttpConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';
import { InFlightBytes } from './in-flight-bytes';

const MB = 1024 * 1024;
const budgetOf = (largeBodyMemoryBytes: number): InFlightBytes =>
  new InFlightBytes({ largeBodyMemoryBytes } as HttpConfig);

describe('the memory of large bodies', () => {
  it('is for none of the small ones', () => {
    const budget = budgetOf(0);
    expect([budget.raise(0, 256 * 1024), budget.raise(0, 256 * 1024)]).toEqual([0, 0]);
  });

  it('is refused beyond its bound, with a time to come back', () => {
    const budget = budgetOf(3 * MB);
    expect(budget.raise(0, 2 * MB)).toBe(2 * MB);
    expect(budget.raise(0, MB)).toBe(MB);
    const refuse = (): number => budget.raise(0, MB);
    expect(refuse).toThrow(DomainError);
    expect(refuse).toThrow(expect.objectContaining({ code: 'overloaded', retryAfterSeconds: 1 }) as Error);
    expect(refuse).toThrow(/LARGE_BODY_MEMORY/);
  });

  it('comes back when a body is done, and a refusal takes none of it', () => {
    const budget = budgetOf(3 * MB);
    const held = budget.raise(0, 2 * MB);
    expect(() => budget.raise(0, 2 * MB)).toThrow(DomainError);
    budget.give(held);
    expect(budget.raise(0, 3 * MB)).toBe(3 * MB);
  });

  it('counts a body that grows once, and one that shrinks as what it was', () => {
    const budget = budgetOf(4 * MB);
    const grown = budget.raise(budget.raise(0, MB), 2 * MB);
    expect(budget.raise(grown, MB)).toBe(2 * MB);
    expect(budget.raise(0, 2 * MB)).toBe(2 * MB);
    expect(() => budget.raise(grown, 3 * MB)).toThrow(DomainError);
  });

  it('is exchanged for that of the answer, which may be less, or too much', () => {
    const budget = budgetOf(4 * MB);
    const body = budget.raise(0, 3 * MB);
    const answer = budget.replace(body, MB);
    expect(answer).toBe(MB);
    const other = budget.raise(0, 3 * MB);
    expect(() => budget.replace(answer, 2 * MB)).toThrow(/LARGE_BODY_MEMORY/);
    expect(budget.replace(other, 1000)).toBe(0);
    expect(budget.replace(answer, 4 * MB)).toBe(4 * MB);
    expect(budgetOf(MB).replace(0, 1000)).toBe(0);
  });

  it('has room for one body, however large', () => {
    const budget = budgetOf(MB);
    const held = budget.raise(0, 5 * MB);
    expect(budget.raise(held, 9 * MB)).toBe(9 * MB);
    expect(() => budget.raise(0, MB)).toThrow(DomainError);
  });
});
