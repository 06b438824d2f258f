import { exchangeOf } from '../../http/testing/exchange-of';
import { DomainError } from '../../errors/domain-error';
import { v2ErrorBody, v2Protocol } from './v2.protocol';

describe('the urgency of an inference call', () => {
  const mayBeUrgent = (body: string, jsonBytes?: number): boolean => {
    const headers = { 'inference-header-content-length': jsonBytes?.toString() };
    return v2Protocol.mayBeUrgent(exchangeOf(headers), Buffer.from(body));
  };

  it('is told without decoding its tensors', () => {
    expect(mayBeUrgent('{"inputs":[],"parameters":{"priority":1}}')).toBe(true);
    expect(mayBeUrgent('{"inputs":[]}')).toBe(false);
  });

  it('is looked for in the JSON part alone', () => {
    const json = '{"inputs":[]}';
    expect(mayBeUrgent(`${json}"priority"`, json.length)).toBe(false);
    expect(mayBeUrgent('"priority"', 0)).toBe(false);
  });
});

describe('the headers of an inference call', () => {
  const check = (headers: Record<string, string | undefined>): void => v2Protocol.check(exchangeOf(headers));

  it.each([
    {},
    { 'content-type': 'application/json; charset=utf-8' },
    { 'content-type': 'application/octet-stream', 'inference-header-content-length': '12' },
    {
      'content-type': 'application/json',
      'inference-header-content-length': '0',
      accept: 'application/octet-stream',
    },
  ])('may be %j', (headers) => {
    expect(() => check(headers)).not.toThrow();
  });

  it.each(['', '-1', '+1', '1.5', '1e3', '0x10', ' 1', '1, 1', 'x', '9'.repeat(16)])(
    'are refused for the length %j',
    (length) => {
      expect(() => check({ 'inference-header-content-length': length })).toThrow(
        /Inference-Header-Content-Length/,
      );
    },
  );

  it('are refused for another content type, and for a client that accepts neither form', () => {
    expect(() => check({ 'content-type': 'text/plain' })).toThrow(/text\/plain/);
    expect(() => check({ accept: 'text/html' })).toThrow(/text\/html/);
  });
});

it('words an error as the protocol does', () => {
  expect(v2ErrorBody(new DomainError('model_not_found', 'There is no model "x".'), 'id')).toEqual({
    error: 'There is no model "x".',
  });
});
