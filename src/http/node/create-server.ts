import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import {
  createServer as createTlsServer,
  type Server as TlsServer,
  type ServerOptions as TlsServerOptions,
} from 'node:https';
import { UnbufferedRequest } from './unbuffered-request';

/** An HTTPS server whose requests give their bodies straight from the parser. */
export function createHttpsServer(options: TlsServerOptions, listener: RequestListener): TlsServer {
  return createTlsServer({ ...options, IncomingMessage: UnbufferedRequest }, listener);
}

/** An HTTP server whose requests give their bodies straight from the parser. */
export function createHttpServer(options: ServerOptions, listener: RequestListener): Server {
  return createServer({ ...options, IncomingMessage: UnbufferedRequest }, listener);
}
