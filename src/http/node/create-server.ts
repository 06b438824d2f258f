import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { UnbufferedRequest } from './unbuffered-request';

/** An HTTP server whose requests give their bodies straight from the parser. */
export function createHttpServer(options: ServerOptions, listener: RequestListener): Server {
  return createServer({ ...options, IncomingMessage: UnbufferedRequest }, listener);
}
