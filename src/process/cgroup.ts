import { readFileSync } from 'node:fs';
import { posix } from 'node:path';

/** The content of a file; undefined when there is none that can be read. */
export type ReadFile = (path: string) => string | undefined;

const CGROUP_ROOT = '/sys/fs/cgroup';

/**
 * Every folder whose limit may bind this process, of both versions of control groups: its own groups, those above
 * them, and the roots.
 * @param controller of version 1
 * @param mounts where that is mounted, by distribution
 */
export function groupsOf(readFile: ReadFile, controller: string, mounts: readonly string[]): string[] {
  const membership = readFile('/proc/self/cgroup') ?? '';
  const folders = new Set([CGROUP_ROOT, ...mounts.map((mount) => posix.join(CGROUP_ROOT, mount))]);
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const places = controllers === '' ? [''] : controllers.split(',').includes(controller) ? mounts : [];
    for (const place of places) {
      // In a container the path may be the host's, of which only the mounted root is visible.
      for (let group = path; group !== '/'; group = posix.dirname(group)) {
        folders.add(posix.join(CGROUP_ROOT, place, group));
      }
    }
  }
  return [...folders];
}

export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
