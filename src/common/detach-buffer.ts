import { MessageChannel } from 'node:worker_threads';

/** What is smaller is left to the collector, which takes it with the rest. */
const LEAST_BYTES = 4 * 1024;

/** Takes the memory of an `ArrayBuffer` away from whoever holds it. */
const detach = 'transfer' in ArrayBuffer.prototype ? transferAway : postAway();

/**
 * Gives the memory of a buffer or an array that nobody else has back at once; it is empty then. The collector would find
 * it later: what bodies leave behind in the meantime, tens of megabytes, it answers with full collections, and memory
 * that is new each time is in no cache.
 */
export function detachBuffer({ buffer, byteLength }: ArrayBufferView): void {
  // A buffer that lies in the memory of others is not the one to give it away.
  const isWhole = buffer instanceof ArrayBuffer && byteLength === buffer.byteLength;
  if (isWhole && byteLength >= LEAST_BYTES) detach(buffer);
}

/** https://tc39.es/ecma262/#sec-arraybuffer.prototype.transfer */
function transferAway(memory: ArrayBuffer): void {
  (memory as ArrayBuffer & { transfer(newLength: number): ArrayBuffer }).transfer(0);
}

/** A message to a port that is closed takes along what it transfers, and goes nowhere; before, it would wait there. */
function postAway(): (memory: ArrayBuffer) => void {
  const { port1: closing, port2: sender } = new MessageChannel();
  let isClosed = false;
  sender.once('close', () => (isClosed = true));
  closing.close();
  return (memory) => {
    if (isClosed) sender.postMessage(undefined, [memory]);
  };
}
