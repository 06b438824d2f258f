import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

const STDIN = 0;
const hadTerminal = isatty(STDIN);

/**
 * Is a SIGHUP that has just come the end of the terminal that this process was started in? It is when that terminal
 * is gone, and when the process is in its foreground; one in the background (`npm start &`), or without a terminal
 * from the start, was sent the signal by somebody who wants a reload.
 */
export function isHangUp(): boolean {
  return hadTerminal && (!isatty(STDIN) || isInForeground());
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: pgrp and tpgid; elsewhere the terminal is enough. */
function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'utf8');
    // The name of the program, which may hold anything, is in parentheses.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}
