import { setFlagsFromString } from 'node:v8';
import { readEnvironment } from '../config/settings';

/** Whoever has set it has it so. */
function isSet(option: RegExp, execArgv: readonly string[] = process.execArgv): boolean {
  return option.test(`${readEnvironment().NODE_OPTIONS} ${execArgv.join(' ')}`);
}

const NEW_SPACE = /[-_]semi[-_]space[-_]/;

/**
 * Node's options for workers. Node 24 lets the room for new objects grow to twice 64 MB, and gives it back hardly ever; so
 * much more old ones are let gather, too, before they are collected. A request costs no more with an eighth of that, as
 * nothing of it is left when they are swept.
 */
export function workerOptions(execArgv: readonly string[]): string[] {
  return isSet(NEW_SPACE, execArgv) ? [...execArgv] : [...execArgv, '--max-semi-space-size=8'];
}

/**
 * Leaves this process the room for new objects that it has by now: what little outlives each sweep adds up until V8 takes
 * it for a reason to double the room, again and again. For one that makes no threads, as each of them would undo it.
 */
export function keepNewSpace(): void {
  if (!isSet(NEW_SPACE)) setFlagsFromString('--semi-space-growth-factor=1');
}

/**
 * For a process that has buffers come and go. V8 collects them with the new objects once 32 MB of them have gathered; since
 * the version of Node 24 only at 128 MB, and by then a whole collection has begun. After a busy time that is allowed so
 * little room that the next one begins with the next request: one of 600 KB took several times its CPU. Here whole
 * collections have one and a half times the room of what lives, and buffers go at 16 MB.
 * https://github.com/nodejs/node/issues/61967
 */
export function collectBuffersEarly(): void {
  const hasLateSweeps = Number.parseInt(process.versions.v8, 10) >= 13;
  if (hasLateSweeps && !isSet(/[-_]new[-_]space[-_]capacity/))
    setFlagsFromString('--scavenger-max-new-space-capacity-mb=4');
  if (!isSet(/-heap[-_]growing/)) setFlagsFromString('--heap-growing-percent=150');
}

/**
 * V8 before its third compiler (Node 20) takes some ten thousand requests to compile their way in full. With a third of
 * its patience a new worker's first seconds cost a tenth to a fifth less. It is for what serves: while the program is
 * loaded, it has V8 compile what runs but once, a quarter of a worker's whole start. Who sets it otherwise has it so.
 */
export function compileSooner(): void {
  const hasThirdCompiler = Number.parseInt(process.versions.v8, 10) >= 12;
  if (!hasThirdCompiler && !isSet(/-interrupt[-_]budget=/)) setFlagsFromString('--interrupt-budget=20000');
}
