import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { DirectRequest } from './direct-request';

/** An HTTP server whose requests give their bodies straight from the parser. */
export function createDirectServer(options: ServerOptions, listener: RequestListener): Server {
  return createServer({ ...options, IncomingMessage: DirectRequest }, listener);
}
