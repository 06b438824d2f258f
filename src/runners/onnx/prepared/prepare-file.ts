import { join } from 'node:path';

/** What prepares a model, in a process of its own: the compiled form of `prepare.entry.ts`. */
export const PREPARE_FILE = join(__dirname, 'prepare.entry.js');
