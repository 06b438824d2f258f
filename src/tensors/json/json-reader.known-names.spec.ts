import fc from 'fast-check';
import { nameAt } from './json-reader';

describe('nameAt', () => {
  it('gives the text of any bytes, however often they and their likes come', () => {
    // Few letters and lengths, so that many share a place.
    const words = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '~'), maxLength: 5 }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(words, fc.nat({ max: 3 }), (list, offset) => {
        for (const word of list) {
          const bytes = Buffer.from(' '.repeat(offset) + word + '"');
          expect(nameAt(bytes, offset, offset + word.length)).toBe(word);
        }
      }),
    );
  });

  it('gives long names too', () => {
    const long = 'n'.repeat(100);
    expect(nameAt(Buffer.from(long), 0, 100)).toBe(long);
  });
});
