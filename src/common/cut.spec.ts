import { cut } from './cut';

describe('cut', () => {
  it('leaves what is short as it is, and shows that there was more of what is long', () => {
    expect(cut('iris')).toBe('iris');
    expect(cut('x'.repeat(100))).toBe('x'.repeat(100));
    expect(cut('x'.repeat(101))).toBe(`${'x'.repeat(100)}…`);
  });
});
