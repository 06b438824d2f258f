import { TimedOut, within } from './time-limit';

describe('within', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('hands on what the operation gives or throws, and leaves no timer behind', async () => {
    await expect(within(50, Promise.resolve(1))).resolves.toBe(1);
    await expect(within(50, Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('gives up after the limit', async () => {
    const waiting = within(50, new Promise(() => undefined));
    const failed = expect(waiting).rejects.toBeInstanceOf(TimedOut);
    jest.advanceTimersByTime(51);
    await failed;
  });

  it('takes what arrived by the time that a late event loop looks', async () => {
    let answer: (value: string) => void = () => undefined;
    const waiting = within(50, new Promise<string>((resolve) => (answer = resolve)));
    // The timer is due first, as after a turn of the loop that took too long; then the sockets are read.
    jest.advanceTimersToNextTimer();
    answer('late, but here');
    await Promise.resolve();
    jest.runAllTimers();
    await expect(waiting).resolves.toBe('late, but here');
  });
});
