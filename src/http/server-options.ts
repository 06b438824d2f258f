import type { ServerOptions } from 'node:http';
import type { HttpConfig } from '../config/config.slices';

/** How often Node looks for clients that are too slow with their request. */
const CHECK_INTERVAL_MS = 1000;
export const MAX_HEADER_BYTES = 16 * 1024;

/** Node's own limits on what a client may take its time for. */
export function serverOptions(http: HttpConfig): ServerOptions {
  return {
    headersTimeout: http.headersTimeoutMs,
    requestTimeout: http.requestTimeoutMs,
    keepAliveTimeout: http.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, http.headersTimeoutMs),
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
    // Node would keep the first of two Host or Authorization headers and say nothing of the second.
    joinDuplicateHeaders: true,
    // The router refuses one without, in words.
    requireHostHeader: false,
  };
}
