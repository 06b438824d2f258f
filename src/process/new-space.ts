import { setFlagsFromString } from 'node:v8';
import { readEnvironment } from '../config/settings';

/** Whoever has set it has it so. */
function isSet(execArgv: readonly string[]): boolean {
  return /[-_]semi[-_]space[-_]/.test(`${readEnvironment().NODE_OPTIONS} ${execArgv.join(' ')}`);
}

/**
 * Node's options for workers. Node 24 lets the room for new objects grow to twice 64 MB, and gives it back hardly ever; so
 * much more old ones are let gather, too, before they are collected. A request costs no more with an eighth of that, as
 * nothing of it is left when they are swept.
 */
export function workerOptions(execArgv: readonly string[]): string[] {
  return isSet(execArgv) ? [...execArgv] : [...execArgv, '--max-semi-space-size=8'];
}

/**
 * Leaves this process the room for new objects that it has by now: what little outlives each sweep adds up until V8 takes
 * it for a reason to double the room, again and again. For one that makes no threads, as each of them would undo it.
 */
export function keepNewSpace(): void {
  if (!isSet(process.execArgv)) setFlagsFromString('--semi-space-growth-factor=1');
}
