import { join } from 'node:path';

export const THREAD_FILE = join(__dirname, 'processing-thread.js');
