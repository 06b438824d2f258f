import { errorForLog } from './redaction';

describe('errorForLog', () => {
  it('shows type, message, stack, code and causes', () => {
    const error = Object.assign(new TypeError('outer', { cause: new Error('inner') }), { code: 'E_CODE' });
    expect(errorForLog(error)).toMatchObject({
      type: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('outer') as string,
      code: 'E_CODE',
      cause: { message: 'inner' },
    });
  });

  it('leaves out what a library hangs on an error', () => {
    const error = Object.assign(new Error('request failed'), {
      config: { data: [1, 2, 3], headers: { any: 'secret' } },
      response: { data: 'a tensor' },
    });
    expect(JSON.stringify(errorForLog(error))).not.toMatch(/secret|tensor|\[1,2,3\]/);
  });

  it('ends with causes that go in a circle, and cuts long messages', () => {
    const error = new Error('x'.repeat(10_000));
    error.cause = error;
    expect(JSON.stringify(errorForLog(error)).length).toBeLessThan(60_000);
  });

  it('leaves what is not an error as it is', () => {
    expect(errorForLog('text')).toBe('text');
    expect(errorForLog(undefined)).toBeUndefined();
  });
});
