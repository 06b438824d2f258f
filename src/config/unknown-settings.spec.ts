import { unknownSettings } from './unknown-settings';

describe('unknownSettings', () => {
  it('reports what .env has that the server does not know, and what was probably meant', () => {
    const file = {
      MODELS_DIR: 'm',
      PORT: '1',
      FOO: 'secret',
      TZ: 'UTC',
      NODE_OPTIONS: '',
      VENDOR_TOKEN: 'x',
    };
    expect(unknownSettings(file, {}, ['VENDOR_TOKEN'])).toEqual([
      'MODELS_DIR in .env is unknown: did you mean MODEL_DIR?',
      'FOO in .env is unknown, and does nothing',
    ]);
  });

  it('reports near misses in the environment, and leaves other variables alone', () => {
    const given = {
      PATH: '/bin',
      HOSTNAME: 'h',
      MODEL_NAMESS: 'iris',
      REDIS_URI: 'x',
      SHLVL: '1',
      LOG_LEVLE: 'x',
    };
    expect(unknownSettings({}, given, [])).toEqual([
      'MODEL_NAMESS in the environment is unknown: did you mean MODEL_NAMES?',
      'REDIS_URI in the environment is unknown: did you mean REDIS_URL?',
      'LOG_LEVLE in the environment is unknown: did you mean LOG_LEVEL?',
    ]);
    // Where the right one is set, the other is somebody else's.
    expect(unknownSettings({}, { REDIS_URI: 'x', REDIS_URL: 'redis://a' }, [])).toEqual([]);
    // What other programs are given is told of only where it was written for this one.
    expect(unknownSettings({}, { SSL_CERT_FILE: 'x' }, [])).toEqual([]);
    expect(unknownSettings({ SSL_CERT_FILE: 'x' }, {}, [])).toEqual([
      'SSL_CERT_FILE in .env is unknown: did you mean TLS_CERT_FILE?',
    ]);
  });

  it('reports settings that have gone', () => {
    expect(unknownSettings({ REHEARSAL: '1' }, { CPU_AFFINITY: 'off' }, [])).toEqual([
      'REHEARSAL in .env is unknown: this setting has gone',
      'CPU_AFFINITY in the environment is unknown: this setting has gone',
    ]);
  });
});
