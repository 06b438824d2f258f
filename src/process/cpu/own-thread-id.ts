import { readlinkSync } from 'node:fs';

/** The number under which Linux knows the calling thread; undefined on other systems. */
export function ownThreadId(): number | undefined {
  try {
    const [id] = /\d+$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    return id === undefined ? undefined : Number(id);
  } catch {
    return undefined;
  }
}
