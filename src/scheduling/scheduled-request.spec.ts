import { DEFAULT_PRIORITY_LEVEL, PRIORITY_LEVELS, priorityLevel } from './scheduled-request';

describe('priorityLevel', () => {
  it('keeps the levels', () => {
    for (let level = 1; level <= PRIORITY_LEVELS; level++) expect(priorityLevel(level)).toBe(level);
  });

  it.each([0, -1, 11, 1e300, NaN, Infinity, -Infinity, 0.5])('takes %p as the default', (priority) => {
    expect(priorityLevel(priority)).toBe(DEFAULT_PRIORITY_LEVEL);
  });
});
