import { setPriority } from 'node:os';
import { ownThreadId } from './own-thread-id';

/**
 * Lowers the priority of the calling thread alone, and of threads that it starts afterwards. That is
 * how Linux reads a thread's id in place of a process's; elsewhere nothing happens.
 * https://man7.org/linux/man-pages/man2/setpriority.2.html (C library/kernel differences)
 */
export function lowerOwnPriority(niceness: number): void {
  if (niceness === 0) return;
  const threadId = ownThreadId();
  if (threadId === undefined) return;
  try {
    setPriority(threadId, niceness);
  } catch {
    // Not allowed: the thread keeps its priority.
  }
}
