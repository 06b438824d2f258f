import type { Limits } from '../limits';
import { CallerStates } from './caller-state';

const NO_LIMITS: Limits = {};
const give = () => Promise.resolve({ tokens: 1, retryAfterMs: 0 });

describe('the table of callers', () => {
  it('keeps what a caller has in hand, until its limits change', () => {
    const states = new CallerStates(10, give);
    const limits = { requestsAtOnce: 1 };
    const state = states.of('ci', limits);
    expect(states.of('ci', limits)).toBe(state);
    expect(states.of('ci', { requestsAtOnce: 1 })).not.toBe(state);
  });

  it('holds fifty thousand and no more, and forgets the idlest', () => {
    const states = new CallerStates(50_000, give);
    const busy = states.of('busy', NO_LIMITS);
    for (let i = 0; i < 200_000; i++) {
      states.of(`caller ${i}`, NO_LIMITS);
      if (i % 1000 === 0) states.of('busy', NO_LIMITS);
    }
    expect(states.size).toBe(50_000);
    expect(states.of('busy', NO_LIMITS)).toBe(busy);
  });

  it('forgets nobody who has a request in hand', () => {
    const states = new CallerStates(3, give);
    const states3 = ['a', 'b', 'c'].map((name) => states.of(name, NO_LIMITS));
    for (const state of states3) void state.begin();
    for (let i = 0; i < 10; i++) states.of(`other ${i}`, NO_LIMITS);
    expect(['a', 'b', 'c'].map((name) => states.of(name, NO_LIMITS))).toEqual(states3);
  });

  it('refuses one request too many at the same time, until one ends', () => {
    const state = new CallerStates(3, give).of('a', { requestsAtOnce: 2 });
    void state.begin();
    void state.begin();
    expect(() => state.begin()).toThrow('2 requests in hand at the same time');
    state.end();
    expect(() => state.begin()).toThrow();
    state.end();
    state.end();
    expect(state.begin()).toBeUndefined();
  });
});
