import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { errorFields } from '../../errors/domain-error';
import { lowerOwnPriority } from '../../process/cpu/thread-priority';
import { type JsonThreadCall, type JsonThreadReply, transferable } from './messages';

type Exports = Partial<Record<string, (...args: readonly unknown[]) => unknown>>;

const load = createRequire(__filename);
const port = parentPort;
if (port === null) throw new Error('This runs in a worker thread only.');

lowerOwnPriority((workerData as { niceness: number }).niceness);

port.on('message', ({ id, module, name, args }: JsonThreadCall) => {
  let reply: JsonThreadReply;
  try {
    const exports = load(module) as Exports;
    const value = exports[name]?.(...args.map(asBuffer));
    reply = { id, ok: true, value };
  } catch (error) {
    reply = { id, ok: false, ...errorFields(error) };
  }
  port.postMessage(reply, [...transferable(reply)]);
});

/** A Buffer arrives as the plain array that it is made of. */
function asBuffer(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value;
}
