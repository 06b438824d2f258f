import { ownMemoryBytes } from './own-memory';

const STATUS = 'VmRSS:\t  471000 kB\nRssAnon:\t   54000 kB\nRssFile:\t  417000 kB\n';

describe('ownMemoryBytes', () => {
  it('leaves out what is mapped from files', () => {
    expect(ownMemoryBytes(() => STATUS)).toBe(54_000 * 1024);
  });

  it('is all of it where the system does not tell', () => {
    const rss = process.memoryUsage.rss();
    expect(ownMemoryBytes(() => '')).toBeGreaterThan(rss / 2);
    const refuse = (): never => {
      throw new Error('EMFILE');
    };
    expect(ownMemoryBytes(refuse)).toBeGreaterThan(rss / 2);
  });

  it('is less than all of this process', () => {
    expect(ownMemoryBytes()).toBeGreaterThan(2 ** 20);
    expect(ownMemoryBytes()).toBeLessThan(process.memoryUsage.rss());
  });
});
