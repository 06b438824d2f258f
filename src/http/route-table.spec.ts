import { type Route, RouteTable } from './route-table';

const PATTERNS: [Route['method'], string][] = [
  ['GET', '/'],
  ['GET', '/v2'],
  ['GET', '/v2/models/{model}'],
  ['GET', '/v2/models/stats'],
  ['GET', '/v2/models/{model}/ready'],
  ['POST', '/v2/models/{model}/infer'],
  ['POST', '/v2/models/{model}/versions/{version}/infer'],
  ['GET', '/api/inference/models'],
  ['POST', '/api/inference/{model}'],
  ['GET', '/docs'],
  ['GET', '/docs/*'],
];

function tableOf(patterns: readonly [Route['method'], string][]): RouteTable {
  const table = new RouteTable();
  for (const [method, pattern] of patterns) table.add({ method, pattern, scope: 'open' });
  return table;
}

describe.each([
  ['in this order', PATTERNS],
  ['in the other order', PATTERNS.toReversed()],
])('a table whose rows come %s', (_, patterns) => {
  const table = tableOf(patterns);
  const found = (method: string, path: string): unknown => {
    const call = table.find(method, path);
    return call && [call.route.pattern, call.model, call.version];
  };

  it.each([
    ['GET', '/', ['/', '', undefined]],
    ['GET', '/v2', ['/v2', '', undefined]],
    ['GET', '/v2/', ['/v2', '', undefined]],
    ['HEAD', '/v2', ['/v2', '', undefined]],
    ['GET', '/v2/models/iris', ['/v2/models/{model}', 'iris', undefined]],
    ['GET', '/v2/models/stats', ['/v2/models/stats', '', undefined]],
    ['GET', '/v2/models/infer/ready', ['/v2/models/{model}/ready', 'infer', undefined]],
    ['POST', '/v2/models/a.b-c_9/infer', ['/v2/models/{model}/infer', 'a.b-c_9', undefined]],
    ['POST', '/v2/models/iris/infer/', ['/v2/models/{model}/infer', 'iris', undefined]],
    [
      'POST',
      '/v2/models/iris/versions/10/infer',
      ['/v2/models/{model}/versions/{version}/infer', 'iris', '10'],
    ],
    ['GET', '/api/inference/models', ['/api/inference/models', '', undefined]],
    ['POST', '/api/inference/models', ['/api/inference/{model}', 'models', undefined]],
    ['GET', '/docs', ['/docs', '', undefined]],
    ['GET', '/docs/', ['/docs/*', '', undefined]],
    ['GET', '/docs/swagger-ui.css', ['/docs/*', '', undefined]],
  ])('knows %s %s', (method, path, call) => {
    expect(found(method, path)).toEqual(call);
  });

  it.each([
    ['POST', '/'],
    ['GET', ''],
    ['GET', '*'],
    ['GET', '//'],
    ['GET', '///'],
    ['GET', '/v2//'],
    ['GET', '/V2'],
    ['get', '/v2'],
    ['POST', '/v2/models//infer'],
    ['POST', '/v2/models/iris/INFER'],
    ['POST', '/v2/models/iris/infer//'],
    ['POST', '/v2/models/iris/infer/x'],
    ['POST', '/v2/models/iris/versions//infer'],
    ['POST', '/v2/models/iris/versions/1/2/infer'],
    ['POST', '/v2/models/./infer'],
    ['POST', '/v2/models/../infer'],
    ['POST', '/v2/models/%69ris/infer'],
    ['POST', '/v2/models/ir is/infer'],
    ['POST', '/v2/models/iris;v=1/infer'],
    ['POST', '/v2/models/iris%2finfer'],
    ['POST', '/v2/models/iris\0/infer'],
    ['POST', '/api/inference/ïris'],
    ['GET', '/docs/../v2'],
    ['GET', '/docs//v2'],
    ['GET', '/docs/%2e%2e/v2'],
    ['GET', '/docs/a;b'],
    ['GET', '/docsx'],
    ['GET', '/Docs/'],
  ])('does not know %s %s', (method, path) => {
    expect(table.find(method, path)).toBeUndefined();
  });

  it('says which methods a path has', () => {
    expect(table.methodsOf('/v2/models/iris/infer')).toEqual(['POST']);
    expect(table.methodsOf('/api/inference/models/')).toEqual(['GET', 'POST']);
    expect(table.methodsOf('/api/inference/models', 'literal')).toEqual(['GET']);
    expect(table.methodsOf('/api/inference/iris', 'literal')).toEqual([]);
    expect(table.methodsOf('/v2/nothing')).toEqual([]);
  });

  it('gives the path without its last slash, but below a prefix, where it means something', () => {
    expect(table.find('POST', '/v2/models/iris/infer/')?.path).toBe('/v2/models/iris/infer');
    expect(table.find('GET', '/docs/')?.path).toBe('/docs/');
  });
});
