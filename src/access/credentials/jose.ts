import { createRequire } from 'node:module';
import type * as Jose from 'jose';

const requireHere = createRequire(__filename);
let loaded: typeof Jose | undefined;

/** The library is loaded when it is first needed: its forty milliseconds are a tenth of a worker's start. */
export function jose(): typeof Jose {
  return (loaded ??= requireHere('jose') as typeof Jose);
}
