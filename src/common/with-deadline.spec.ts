import { withDeadline } from './with-deadline';

const never = new Promise<never>(() => undefined);

describe('what is waited for before a deadline', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => {
    // Whatever came first, no timer is left behind.
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('is had when it comes in time', async () => {
    await expect(withDeadline(Promise.resolve('it'), performance.now() + 1000, 'it')).resolves.toBe('it');
  });

  it('fails as it fails by itself', async () => {
    const failing = Promise.reject(new Error('its own reason'));
    await expect(withDeadline(failing, performance.now() + 1000, 'it')).rejects.toThrow('its own reason');
  });

  it.each([1000, 0, -5000])('is given up with a word on what it was (%i ms are left)', async (leftMs) => {
    const waiting = withDeadline(never, performance.now() + leftMs, 'model "iris" to load');
    const refused = expect(waiting).rejects.toMatchObject({
      code: 'deadline_exceeded',
      message: 'The deadline passed while waiting for model "iris" to load.',
    });
    jest.advanceTimersByTime(Math.max(leftMs, 1));
    await refused;
  });

  it('may have no deadline at all', async () => {
    let come = (_: string): void => undefined;
    const waiting = withDeadline(new Promise<string>((resolve) => (come = resolve)), Infinity, 'it');
    jest.advanceTimersByTime(86_400_000);
    come('after a day');
    await expect(waiting).resolves.toBe('after a day');
  });
});
