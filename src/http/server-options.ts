import { STATUS_CODES, type Server, type ServerOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpConfig } from '../config/config.slices';
import { DomainError, type ErrorCode, ERRORS } from '../errors/domain-error';
import { requestIdFrom } from '../telemetry/logging/request-id';
import { Connection } from './connection';

/** How often Node looks for clients that are too slow with their request. */
const CHECK_INTERVAL_MS = 1000;
const MAX_HEADER_BYTES = 16 * 1024;

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
  };
}

const FAULTS: Partial<Record<string, { code: ErrorCode; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'header_fields_too_large',
    message: `The request's headers are larger than ${MAX_HEADER_BYTES} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'body_timeout',
    message: 'The request did not arrive in time (HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS).',
  },
};

/** Answers what never became a request: broken HTTP, headers without end, a client that stopped sending. */
export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { code, message } = FAULTS[error.code ?? ''] ?? {
      code: 'invalid_request',
      message: 'The request is not valid HTTP.',
    };
    const requestId = requestIdFrom(undefined);
    const body = JSON.stringify(Connection.of(socket).errorBody(new DomainError(code, message), requestId));
    const status = ERRORS[code].status;
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
}
