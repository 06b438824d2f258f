import { execFile, spawnSync } from 'node:child_process';
import { ownThreadId } from './own-thread-id';

// Node has no call for it. This program comes with util-linux and with busybox.
const PROGRAM = 'taskset';
const TIMEOUT_MS = 5000;

/**
 * Binds one thread to CPUs, and with it the threads and processes that it starts afterwards; the others of its process
 * stay where they are. Resolves to false where that cannot be done, and never rejects.
 * https://man7.org/linux/man-pages/man1/taskset.1.html
 */
export async function bindThread(threadId: number, cpus: readonly number[]): Promise<boolean> {
  try {
    return await new Promise<boolean>((resolve) => {
      execFile(PROGRAM, wordsFor(threadId, cpus), { timeout: TIMEOUT_MS }, (error) => resolve(!error));
    });
  } catch {
    // No program could be started, for want of memory or processes.
    return false;
  }
}

/** Binds the calling thread; see `bindThread`. */
export async function bindOwnThread(cpus: readonly number[]): Promise<boolean> {
  const threadId = ownThreadId();
  return threadId !== undefined && (await bindThread(threadId, cpus));
}

/**
 * Can threads be bound here at all? Binds this process's main thread to the CPUs that it has anyway, which changes
 * nothing, and waits for the outcome.
 */
export function canBindThreads(allowed: readonly number[]): boolean {
  const options = { stdio: 'ignore', timeout: TIMEOUT_MS } as const;
  return spawnSync(PROGRAM, wordsFor(process.pid, allowed), options).status === 0;
}

function wordsFor(threadId: number, cpus: readonly number[]): string[] {
  return ['-cp', cpus.join(','), String(threadId)];
}
