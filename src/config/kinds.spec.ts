import { resolve } from 'node:path';
import {
  byteSize,
  flag,
  folder,
  host,
  type Kind,
  line,
  list,
  modelName,
  oneOf,
  orAuto,
  origin,
  pairs,
  pairsOf,
  pathPrefix,
  ratio,
  redisUrl,
  remoteHost,
  url,
  wholeNumber,
} from './kinds';

const level = oneOf(['fatal', 'warn', 'info'], { warning: 'warn', critical: 'fatal' });

type Accepted = [name: string, kind: Kind<unknown>, text: string, value: unknown];

const accepted: Accepted[] = [
  ['a whole number', wholeNumber(0, 65_535), '8000', 8000],
  ['its lower end', wholeNumber(0, 65_535), '0', 0],
  ['its upper end', wholeNumber(0, 65_535), '65535', 65_535],
  ['a negative number', wholeNumber(-5, 5), '-5', -5],
  ['auto', orAuto(wholeNumber(0, 8), '-1'), 'Auto', 'auto'],
  ['the other spelling of auto', orAuto(wholeNumber(0, 8), '-1'), '-1', 'auto'],
  ['a number instead of auto', orAuto(wholeNumber(0, 8), '-1'), '8', 8],
  ['a ratio', ratio, '0.01', 0.01],
  ['all of it', ratio, '1', 1],
  ['pairs', pairs, 'a=b, c-d = e=f%2C', 'a=b, c-d = e=f%2C'],
  ['plain bytes', byteSize(1, 2 ** 31), '52428800', 52_428_800],
  ['kilobytes', byteSize(1, 2 ** 31), '1kb', 1024],
  ['megabytes', byteSize(1, 2 ** 31), '50MB', 52_428_800],
  ['gigabytes', byteSize(1, 2 ** 31), '2gb', 2 ** 31],
  ...['true', 'True', 'yes', 'on', '1'].map((text): Accepted => ['a switch on', flag, text, true]),
  ...['false', 'False', 'no', 'OFF', '0'].map((text): Accepted => ['a switch off', flag, text, false]),
  ['a name', level, 'info', 'info'],
  ['a name in another case', level, 'INFO', 'info'],
  ["Python's warning", level, 'WARNING', 'warn'],
  ["Python's critical", level, 'critical', 'fatal'],
  ['a line of text', line(100), 'ML Model Server', 'ML Model Server'],
  ['a relative folder', folder, 'models', resolve('models')],
  ['an absolute folder', folder, '/srv/models/', '/srv/models'],
  ['a comma-separated list', list(modelName, ''), 'digits, iris', ['digits', 'iris']],
  ['a JSON array', list(modelName, ''), '["digits", "iris"]', ['digits', 'iris']],
  ['an empty JSON array', list(modelName, ''), '[]', []],
  ['a name given twice', list(modelName, ''), 'digits,digits', ['digits']],
  ['an IPv4 address', host, '127.0.0.1', '127.0.0.1'],
  ['an IPv6 address', host, '::', '::'],
  ['a host name', host, 'node-1.example.com', 'node-1.example.com'],
  ['http', url('http', 'https'), 'http://localhost:9000/v1?key=a', 'http://localhost:9000/v1?key=a'],
  ['Redis', redisUrl, 'redis://localhost:6379/0', 'redis://localhost:6379/0'],
  [
    'Redis with TLS',
    redisUrl,
    'rediss://user:word@cache.example.com',
    'rediss://user:word@cache.example.com',
  ],
  ['any host of a remote', remoteHost, '*', '*'],
  ['a host of a remote', remoteHost, 'GPU-1.example', 'gpu-1.example'],
  ['one with a port', remoteHost, 'gpu-1:8000', 'gpu-1:8000'],
  ['all hosts of a domain', remoteHost, '*.gpu.example', '*.gpu.example'],
  ['an IPv6 address with a port', remoteHost, '[::1]:8000', '[::1]:8000'],
  ['any origin', origin, '*', '*'],
  ['an origin as a browser sends it', origin, 'HTTPS://App.Example.com:443', 'https://app.example.com'],
  ['an origin with a port', origin, 'http://localhost:3000', 'http://localhost:3000'],
  ['the origin of an app', origin, 'capacitor://localhost', 'capacitor://localhost'],
  ['a prefix', pathPrefix, '/api', '/api'],
  ['a prefix of two segments', pathPrefix, '/ml/v1/', '/ml/v1'],
  ['the root as a prefix', pathPrefix, '/', ''],
];

const refused: [kind: string, Kind<unknown>, string[]][] = [
  [
    'a whole number',
    wholeNumber(0, 65_535),
    ['12abc', '1e3', '1.0', '+1', '-1', '-0', '007', '0x10', '1_000', '65536', 'NaN', '٣', '9'.repeat(40)],
  ],
  ['auto or a number', orAuto(wholeNumber(1, 8)), ['-1', '0', '9', 'automatic']],
  ['a byte size', byteSize(1, 2 ** 31), ['0', '0mb', '-1', '1.5mb', '50m', '50 mb', 'mb', '3gb', '1e9']],
  ['a switch', flag, ['2', 'enabled', 'tru', 'y']],
  ['a name', level, ['verbose', 'info,warn', 'constructor']],
  ['a line of text', line(5), ['toolong', 'a\nb', 'a\u0000']],
  [
    'a list of names',
    list(modelName, ''),
    ['digits,,iris', 'digits,', '["digits"', '[1]', '[["digits"]]', '[""]', 'digits,../iris'],
  ],
  [
    'a model name',
    modelName,
    ['..', '.hidden', '../x', 'a/b', 'a\\b', '/etc', 'a\nb', 'my model', 'a'.repeat(129)],
  ],
  ['a host', host, ['local host', 'http://localhost', 'localhost:80', '-a', 'a..b', '[::]', 'a'.repeat(254)]],
  [
    'an http URL',
    url('http', 'https'),
    ['localhost:9000', 'ftp://a', 'https://', '//a', 'http://a b', 'http://a\tb'],
  ],
  ['a Redis URL', redisUrl, ['localhost:6379', 'http://localhost', 'redis://', 'redis://localhost/db']],
  [
    'a host of a remote',
    remoteHost,
    [
      'http://gpu',
      'gpu/path',
      '*:80',
      '*gpu',
      'a.*.b',
      'gpu:',
      'gpu:99999',
      'u@gpu',
      '[gpu]',
      '[::1',
      '::1:80',
    ],
  ],
  [
    'an origin',
    origin,
    [
      'example.com',
      'https://a.com/',
      'https://a.com/x',
      'https://u@a.com',
      'https://*.a.com',
      'https://a:99999',
      'null',
    ],
  ],
  ['a ratio', ratio, ['1.1', '-0', '.5', '1e-3', '50%', '0,5']],
  ['pairs', pairs, ['a', '=a', 'a=b,', 'a=b,a=c', 'a=%', 'a="b"', 'a b=c', 'a=b\nc']],
  [
    'a prefix',
    pathPrefix,
    ['api', '//', '/a//b', '/..', '/a b', '/a?b', '/:id', '/v2', '/docs/', '/metrics/x'],
  ],
];

describe('kinds of variables', () => {
  it.each(accepted)('accept %s', (_name, kind, text, value) => {
    expect(kind.parse(text)).toEqual(value);
  });

  it.each(refused.flatMap(([name, kind, texts]) => texts.map((text) => [name, text, kind] as const)))(
    'refuse as %s: %j',
    (_name, text, kind) => {
      expect(kind.parse(text)).toBeUndefined();
    },
  );
});

describe('pairs', () => {
  it('give their values without white space and escapes', () => {
    expect(pairsOf('a=b, c-d = e f%2Cg=%20,h=')).toEqual({ a: 'b', 'c-d': 'e f,g= ', h: '' });
    expect(pairsOf('')).toEqual({});
  });

  it('may have any name', () => {
    expect(Object.keys(pairsOf('__proto__=a,constructor=b'))).toEqual(['__proto__', 'constructor']);
  });
});
