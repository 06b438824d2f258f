import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import sharp from 'sharp';
import { NamedThreads } from './named-threads';

/** What libvips decodes with, which stay for a while. */
const NAME = 'libvips worker';
const onLinux = process.platform === 'linux' ? it : it.skip;

/** Of the threads of this process, or of those of a name. */
function priorities(name?: string): number[] {
  return readdirSync('/proc/self/task').flatMap((id) => {
    try {
      const comm = readFileSync(`/proc/self/task/${id}/comm`, 'latin1').trimEnd();
      return name === undefined || comm === name ? getPriority(Number(id)) : [];
    } catch {
      // It has ended in between.
      return [];
    }
  });
}

describe('threads that a library starts', () => {
  const raw = { create: { width: 64, height: 64, channels: 3, background: 'red' } } as const;
  let own: number;
  beforeEach(async () => {
    own = getPriority();
    await sharp(raw).blur(2).raw().toBuffer();
  });

  onLinux('give way, and no others do', () => {
    expect(priorities(NAME)).toContain(own);
    new NamedThreads(NAME, own + 3).lowerPriority();
    expect(new Set(priorities(NAME))).toEqual(new Set([own + 3]));
    expect(getPriority()).toBe(own);
  });

  onLinux('are left alone where none has that name, or all are to keep their priority', () => {
    new NamedThreads('nobody', own + 5).lowerPriority();
    new NamedThreads(NAME, 0).lowerPriority();
    expect(priorities()).not.toContain(own + 5);
  });
});
