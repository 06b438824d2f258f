import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';

export interface NonBlockingFd {
  readonly fd: number;
  close(): void;
}

/**
 * A descriptor on which a write takes what fits and never waits for the reader.
 *
 * A pipe or a terminal is opened a second time, so that the flag holds for us alone and not for the
 * processes that share it. A socket cannot be (Node's own `pipe` stdio is one); libuv's handle sets the
 * flag on it. A file is left as it is: it has no reader to wait for.
 */
export function nonBlocking(fd: number): NonBlockingFd {
  const kind = fstatSync(fd);
  if (kind.isFIFO() || kind.isCharacterDevice()) {
    const own = reopen(fd);
    if (own !== undefined) return { fd: own, close: () => closeSync(own) };
  }
  // Never destroyed: that would close the descriptor, which is not ours.
  if (kind.isFIFO() || kind.isSocket()) new Socket({ fd, readable: false, writable: true });
  return { fd, close: () => undefined };
}

/** Fails where there is no /proc, or where the descriptor came from a process with other rights. */
function reopen(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
}
