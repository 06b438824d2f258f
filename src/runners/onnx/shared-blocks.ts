import { BLOCK_BYTES } from './session-messages';

const MAX_SPARE = 64;

/** Of threads that are gone. The collector would find them late: it hardly sees shared memory. */
const spare: SharedArrayBuffer[] = [];

/** Memory that a thread and its main side share. What is in it is anybody's. */
export function takeBlock(): SharedArrayBuffer {
  return spare.pop() ?? new SharedArrayBuffer(BLOCK_BYTES);
}

/** Takes back memory that nobody looks at any more. */
export function giveBlockBack(block: SharedArrayBuffer): void {
  if (spare.length < MAX_SPARE) spare.push(block);
}
