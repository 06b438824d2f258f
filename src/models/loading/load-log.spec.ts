import { LoadLog } from './load-log';

describe('the log of loads', () => {
  const lines: object[] = [];
  const log = new LoadLog('model loaded', 'more models loaded', (line) => lines.push(line));
  beforeEach(() => {
    jest.useFakeTimers();
    lines.length = 0;
  });
  afterEach(() => jest.useRealTimers());

  it('has a line for each model while they are few', () => {
    log.add({ model: 'a' });
    log.add({ model: 'b' });
    jest.advanceTimersByTime(1000);
    expect(lines).toEqual([
      { msg: 'model loaded', model: 'a' },
      { msg: 'model loaded', model: 'b' },
    ]);
  });

  it('has a sum a second where they are many', () => {
    for (let i = 0; i < 300; i++) log.add({ model: `m${i}` });
    jest.advanceTimersByTime(1000);
    expect(lines).toHaveLength(11);
    expect(lines.at(-1)).toEqual({ msg: 'more models loaded', models: 290 });
    log.add({ model: 'late' });
    jest.advanceTimersByTime(1000);
    expect(lines.slice(11)).toEqual([{ msg: 'model loaded', model: 'late' }]);
  });
});
