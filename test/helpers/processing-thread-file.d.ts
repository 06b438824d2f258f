/** In place of `src/processing/pool/thread-file`. */
export { PROCESSING_THREAD_FILE as THREAD_FILE } from './compiled-thread';
