import { join } from 'node:path';

/** What a processing thread runs. */
export const THREAD_FILE = join(__dirname, 'processing-thread.entry.js');
