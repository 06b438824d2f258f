import { join } from 'node:path';

/** What a session thread runs: the compiled form of `session-thread.entry.ts`. */
export const THREAD_FILE = join(__dirname, 'session-thread.entry.js');
