import { ConfigurationError } from './configuration-error';
import { kebabCase, toEnvironment } from './options';
import { parseSettings } from './settings';

describe('options', () => {
  it('mean what the environment would', () => {
    const options = { modelDir: 'm', port: 8123, modelNames: ['a', 'b,c'], cacheEnabled: false, logDir: '' };
    const env = toEnvironment(options);
    expect(env).toEqual({
      MODEL_DIR: 'm',
      PORT: '8123',
      MODEL_NAMES: '["a","b,c"]',
      CACHE_ENABLED: 'false',
      LOG_DIR: '',
    });
    expect(parseSettings({ ...env, MODEL_NAMES: 'a' }).http.port).toBe(8123);
  });

  it('leave out what is undefined', () => {
    expect(toEnvironment({ port: undefined })).toEqual({});
  });

  it('name all that is wrong at once, and no value', () => {
    const wrong = (): unknown => toEnvironment({ modeldir: 'secret', port: null, modelNames: [1] });
    expect(wrong).toThrow(ConfigurationError);
    expect(wrong).toThrow(/modeldir is no option\n.*port must be a text.*\n.*modelNames must be a text/);
    expect(wrong).not.toThrow(/secret/);
  });

  it('may be spelt as flags', () => {
    expect(toEnvironment({ 'model-dir': 'm' }, kebabCase)).toEqual({ MODEL_DIR: 'm' });
    expect(() => toEnvironment({ modelDir: 'm' }, kebabCase)).toThrow('modelDir is no option');
  });
});
