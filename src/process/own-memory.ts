import { readFileSync } from 'node:fs';

/**
 * Physical memory, in bytes, that a process has for itself: without the files that it maps, whose pages it shares with
 * whoever else maps them, and which the system takes back when it needs them. Where the system does not tell, all of
 * its memory.
 * https://man7.org/linux/man-pages/man5/proc_pid_status.5.html (RssAnon)
 */
export function ownMemoryBytes(readStatus: () => string = readOwnStatus): number {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(statusOf(readStatus))?.[1];
  return kilobytes === undefined ? process.memoryUsage.rss() : Number(kilobytes) * 1024;
}

function statusOf(readStatus: () => string): string {
  try {
    return readStatus();
  } catch {
    return '';
  }
}

function readOwnStatus(): string {
  return readFileSync('/proc/self/status', 'utf8');
}
