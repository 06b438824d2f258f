import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { DomainError, type ErrorCode, ERRORS } from '../errors/domain-error';
import { requestIdFrom } from '../telemetry/logging/request-id';
import { Connection } from './connection';
import { MAX_HEADER_BYTES } from './server-options';

/** How long a client that was refused may go on sending before its connection closes under it. */
const LINGER_MS = 1000;

const NO_HTTP: Fault = { code: 'invalid_request', message: 'The request is not valid HTTP.' };

interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

const FAULTS: Partial<Record<string, Fault>> = {
  HPE_HEADER_OVERFLOW: {
    code: 'header_fields_too_large',
    message: `The request's headers are larger than ${MAX_HEADER_BYTES} bytes.`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    code: 'body_too_large',
    message: `The extensions of the body's chunks are larger than ${MAX_HEADER_BYTES} bytes.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: 'body_timeout',
    message: 'The request did not arrive in time (HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS).',
  },
  HPE_INVALID_EOF_STATE: { code: 'body_truncated', message: 'The request ended before it was complete.' },
};

/**
 * Answers what never became a whole request, as any other refusal is worded: broken HTTP, headers without end, a client
 * that stopped sending, a tunnel that it wants.
 */
export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { code, message } = FAULTS[error.code ?? ''] ?? NO_HTTP;
    refuse(socket, new DomainError(code, message));
  });
  server.on('connect', ({ url = '' }: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    const message = `CONNECT ${url.slice(0, 100)}: this server is no proxy.`;
    refuse(socket, new DomainError('method_not_allowed', message));
  });
}

function refuse(socket: Socket, error: DomainError): void {
  const connection = Connection.of(socket);
  connection.refuse(error, () => {
    const requestId = requestIdFrom(undefined);
    const body = JSON.stringify(connection.errorBody(error, requestId));
    const { status } = ERRORS[error.code];
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nx-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
    );
    setTimeout(() => socket.destroy(), LINGER_MS).unref();
  });
}
