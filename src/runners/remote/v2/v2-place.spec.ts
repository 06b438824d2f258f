import { v2Place } from './v2-place';

describe('v2Place', () => {
  it.each([
    ['http://gpu-1:8000', '/v2/models/bert'],
    ['http://gpu-1:8000/', '/v2/models/bert'],
    ['http://gpu-1:8000/v2', '/v2/models/bert'],
    ['http://gpu-1:8000/team/triton/', '/team/triton/v2/models/bert'],
    ['http://gpu-1:8000/v2/models/large', '/v2/models/large'],
    ['http://gpu-1:8000/v2/models/large/versions/3', '/v2/models/large/versions/3'],
    ['http://gpu-1:8000/team/v2/models/large/infer', '/team/v2/models/large'],
  ])('of %s is %s', (url, path) => {
    const place = v2Place(new URL(url), 'bert');
    const base = path.slice(0, path.indexOf('/v2/') + 3);
    expect([place.server, place.model, place.ready, place.infer].map(({ href }) => href)).toEqual(
      [base, path, `${path}/ready`, `${path}/infer`].map((end) => `http://gpu-1:8000${end}`),
    );
  });

  it('keeps a query', () => {
    expect(v2Place(new URL('https://gpu/?tenant=a'), 'bert').infer.href).toBe(
      'https://gpu/v2/models/bert/infer?tenant=a',
    );
  });
});
