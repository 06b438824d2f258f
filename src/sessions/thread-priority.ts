import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * Lowers the priority of the calling thread alone, and of threads that it starts afterwards. That is
 * how Linux reads a thread's id in place of a process's; elsewhere nothing happens.
 * https://man7.org/linux/man-pages/man2/setpriority.2.html (C library/kernel differences)
 */
export function lowerOwnPriority(niceness: number): void {
  if (niceness === 0) return;
  try {
    const [threadId] = /\d+$/.exec(readlinkSync('/proc/thread-self')) ?? [];
    if (threadId !== undefined) setPriority(Number(threadId), niceness);
  } catch {
    // Not Linux, or not allowed: the thread keeps its priority.
  }
}
