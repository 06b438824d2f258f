import { isSettingName, secretFromEnvironment } from './secret-from-environment';

describe('secretFromEnvironment', () => {
  it('has what the process was given when it was first asked', () => {
    process.env.TEST_REMOTE_TOKEN = 's3cret';
    process.env.TEST_EMPTY_TOKEN = '';
    expect(secretFromEnvironment('TEST_REMOTE_TOKEN')).toBe('s3cret');
    process.env.TEST_REMOTE_TOKEN = 'another';
    expect(secretFromEnvironment('TEST_REMOTE_TOKEN')).toBe('s3cret');
    expect(secretFromEnvironment('TEST_EMPTY_TOKEN')).toBeUndefined();
    expect(secretFromEnvironment('TEST_NO_SUCH_TOKEN')).toBeUndefined();
  });

  it("knows this server's own settings from other programs' variables", () => {
    expect(['SECRET_KEY', 'REDIS_URL', 'PORT'].map(isSettingName)).toEqual([true, true, true]);
    expect(['TRITON_TOKEN', 'PATH', 'constructor'].map(isSettingName)).toEqual([false, false, false]);
  });
});
