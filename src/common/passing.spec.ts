import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PassingMap, PassingSet } from './passing';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as (how?: { type: 'minor' }) => void;

const MEMBERS = 2000;
const MEMBER_BYTES = 8 * 1024;
/** In hand at a time. */
const WIDTH = 6;

interface Crowd {
  add(member: object): void;
  delete(member: object): void;
}

/** What is left of members that came and went, in bytes, where nobody has made a full collection since. */
function leftBy(crowd: Crowd): number {
  const inHand: object[] = [];
  const pass = (count: number): void => {
    for (let i = 0; i < count; i++) {
      const member = { held: Array<number>(MEMBER_BYTES / 8).fill(0.5) };
      crowd.add(member);
      inHand.push(member);
      if (inHand.length > WIDTH) crowd.delete(inHand.shift()!);
    }
  };
  pass(100);
  // From here on its tables are old.
  collect();
  const before = process.memoryUsage().heapUsed;
  pass(MEMBERS);
  // What is young moves twice before it counts as old.
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  return process.memoryUsage().heapUsed - before;
}

describe('PassingMap', () => {
  it('holds what it was given, in that order, through many changes', () => {
    const map = new PassingMap<number, string>();
    const model = new Map<number, string>();
    for (let i = 0; i < 1000; i++) {
      map.set(i % 300, `${i}`);
      model.set(i % 300, `${i}`);
      if (i % 3 > 0) expect(map.delete((i * 7) % 300)).toBe(model.delete((i * 7) % 300));
    }
    expect([...map]).toEqual([...model]);
    expect([map.size, [...map.keys()], [...map.values()]]).toEqual([
      model.size,
      [...model.keys()],
      [...model.values()],
    ]);
    expect([map.get(1), map.has(1), map.delete(-1)]).toEqual([model.get(1), model.has(1), false]);
    map.clear();
    expect([map.size, [...map]]).toEqual([0, []]);
  });

  it('keeps nothing of what it had until a full collection', () => {
    const map = new PassingMap<object, object>();
    const left = leftBy({ add: (member) => map.set(member, member), delete: (member) => map.delete(member) });
    expect(left).toBeLessThan((MEMBERS / 4) * MEMBER_BYTES);
  });
});

describe('PassingSet', () => {
  it('holds what it was given, in that order', () => {
    const set = new PassingSet<number>();
    for (let i = 0; i < 500; i++) {
      set.add(i % 150);
      if (i % 2 > 0) set.delete((i * 11) % 150);
    }
    set.clear();
    for (const member of [3, 1, 2, 3]) set.add(member);
    expect([[...set], set.size, set.has(2), set.delete(2), set.has(2)]).toEqual([
      [3, 1, 2],
      3,
      true,
      true,
      false,
    ]);
  });

  it('keeps nothing of what it had until a full collection', () => {
    expect(leftBy(new PassingSet<object>())).toBeLessThan((MEMBERS / 4) * MEMBER_BYTES);
  });
});
