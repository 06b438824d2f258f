import type { IncomingMessage } from 'node:http';
import { booleanParameter, requireAcceptable, requireContentType } from './content-negotiation';

const request = (headers: Record<string, string>): IncomingMessage =>
  ({ headers }) as unknown as IncomingMessage;

const JSON_ONLY = ['application/json'];

describe('the content type of a request', () => {
  it.each<Record<string, string>>([
    {},
    { 'content-type': 'application/json' },
    { 'content-type': 'Application/JSON; charset=utf-8' },
    { 'content-type': 'application/json;charset="UTF8"' },
  ])('may be JSON, or not said: %j', (headers) => {
    expect(() => requireContentType(request(headers), JSON_ONLY)).not.toThrow();
  });

  it.each(['text/plain', 'application/json2', 'multipart/form-data; boundary=x', ''])(
    'may not be %j',
    (type) => {
      const check = (): void => requireContentType(request({ 'content-type': type }), JSON_ONLY);
      expect(check).toThrow(expect.objectContaining({ code: 'unsupported_media_type' }) as Error);
      expect(check).toThrow(/send application\/json/);
    },
  );
});

describe('JSON in another charset than UTF-8', () => {
  it.each(['application/json; charset=latin1', 'application/x-www-form-urlencoded;charset=utf-16'])(
    'is refused: %s',
    (type) => {
      const check = (): void => requireContentType(request({ 'content-type': type }), JSON_ONLY);
      expect(check).toThrow(/JSON is UTF-8/);
    },
  );
});

describe('the types that a client accepts', () => {
  it.each([
    undefined,
    '',
    '*/*',
    'application/json',
    'application/*',
    'text/html, application/json;q=0.1',
    'APPLICATION/JSON',
    'text/html,*/*;q=0.8',
  ])('may be %j', (accept) => {
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    expect(() => requireAcceptable(request(headers), JSON_ONLY)).not.toThrow();
  });

  it.each(['text/html', 'text/*', 'application/json;q=0', 'application/json; q=0.000, image/png', 'json'])(
    'may not be %j alone',
    (accept) => {
      expect(() => requireAcceptable(request({ accept }), JSON_ONLY)).toThrow(
        expect.objectContaining({ code: 'not_acceptable' }) as Error,
      );
    },
  );
});

describe('a switch in a query', () => {
  const read = (text: string): boolean => booleanParameter(new URLSearchParams(text), 'use_cache', true);

  it.each<[string, boolean]>([
    ['', true],
    ['other=false', true],
    ['use_cache=true', true],
    ['use_cache=1', true],
    ['use_cache=False', false],
    ['use_cache=0', false],
  ])('is read from %j as %s', (text, value) => {
    expect(read(text)).toBe(value);
  });

  it.each(['use_cache=', 'use_cache=maybe', 'use_cache=2'])('is refused in %j', (text) => {
    expect(() => read(text)).toThrow(/use_cache: expected true or false/);
  });
});
