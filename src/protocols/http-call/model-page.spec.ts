import { pageOf } from './model-page';

const named = (...names: string[]): { name: string }[] => names.map((name) => ({ name }));
const namesOf = (url: string): unknown => {
  const { models, next } = pageOf(named('a', 'b', 'c', 'd', 'e'), url);
  return [models.map(({ name }) => name).join(''), next];
};

describe('a page of models', () => {
  it('is all of them where none is asked for', () => {
    expect([namesOf('/models'), namesOf('/models?ready=true')]).toEqual([
      ['abcde', undefined],
      ['abcde', undefined],
    ]);
  });

  it('begins where the one before ended, and says where the next one begins', () => {
    expect(namesOf('/models?limit=2')).toEqual(['ab', 'b']);
    expect(namesOf('/models?limit=2&cursor=b')).toEqual(['cd', 'd']);
    expect(namesOf('/models?limit=2&cursor=d')).toEqual(['e', undefined]);
    expect(namesOf('/models?limit=5')).toEqual(['abcde', undefined]);
    expect(namesOf('/models?cursor=c')).toEqual(['de', undefined]);
  });

  it('leaves out none where the model of the cursor is gone, and is empty behind the last', () => {
    expect(namesOf('/models?limit=2&cursor=bb')).toEqual(['cd', 'd']);
    expect(namesOf('/models?limit=2&cursor=z')).toEqual(['', undefined]);
  });

  it.each(['0', '1001', '-1', '1.5', '', 'all', '99999999999'])('refuses a limit of "%s"', (limit) => {
    expect(() => namesOf(`/models?limit=${limit}`)).toThrow(
      `Expected "limit" to be a whole number from 1 to 1000, got "${limit}".`,
    );
  });

  it.each(['limit=1&limit=2', 'cursor=a&cursor=b'])('refuses what is said twice: %s', (query) => {
    const name = query.split('=')[0];
    expect(() => namesOf(`/models?${query}`)).toThrow(`Expected "${name}" once, got it 2 times.`);
  });

  it('refuses a cursor that it did not give', () => {
    expect(() => namesOf('/models?cursor=../x')).toThrow(
      'Expected "cursor" to be the next_cursor of an earlier answer, got "../x".',
    );
  });
});
