import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import type { ConnectionReply } from '../process/ipc/connection-messages';
import { closeGracefully } from './node/graceful-close';
import { allowHalfOpen } from './node/half-open';
import { HandedConnections } from './node/handed-connections';
import { UnbufferedRequest } from './node/unbuffered-request';
import { CONTROL_BODY_BYTES, type Router } from './router';
import { DomainError, reasonOf } from '../errors/domain-error';
import { requireUtf8 } from './headers/content-negotiation';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** An Express adapter whose server first asks the front door, once there is one. */
export class NestorExpressAdapter extends ExpressAdapter {
  private router: Router | undefined;
  private handed: HandedConnections | undefined;

  /** @param tls left out: plain HTTP */
  constructor(
    private readonly serverOptions: ServerOptions,
    private readonly tls: TlsOptions | undefined,
  ) {
    super();
  }

  /** Routes every request through `router` from now on. */
  open(router: Router): void {
    this.router = router;
  }

  /** @param next for what no route has; left out: that is refused */
  handle(req: IncomingMessage, res: ServerResponse, next?: () => void): void {
    const express = this.getInstance<RequestListener>();
    if (this.router === undefined) express(req, res);
    else if (next !== undefined && !this.router.has(req)) next();
    else this.router.handle(req, res, express);
  }

  /** Has Express read the small bodies of the calls that it gets, which never are tensors. */
  readControlBodies(): void {
    this.useBodyParser('raw', false, { limit: CONTROL_BODY_BYTES, type: 'application/json' });
    this.use(parseJsonBody);
  }

  override initHttpServer(_options: NestApplicationOptions): void {
    const listener: RequestListener = (req, res) => this.handle(req, res);
    // Its requests give their bodies straight from the parser.
    const options = { ...this.serverOptions, IncomingMessage: UnbufferedRequest };
    const server =
      this.tls === undefined
        ? createServer(options, listener)
        : createTlsServer({ ...options, ...this.tls }, listener);
    // Over TLS the end of one side is the end of both.
    if (this.tls === undefined) allowHalfOpen(server);
    // What a client expects is answered where everything else is.
    server.on('checkContinue', listener).on('checkExpectation', listener);
    this.setHttpServer(server);
  }

  /** Serves what another process accepts, instead of listening. */
  takeConnections(tell: (reply: ConnectionReply) => void): HandedConnections {
    return (this.handed = new HandedConnections(this.getHttpServer(), tell));
  }

  /** Resolves when no connection that was handed over is left, or after `timeoutMs`. */
  async unused(timeoutMs: number): Promise<void> {
    await this.handed?.unused(timeoutMs);
  }

  override close(): Promise<void> {
    const server = this.getHttpServer() as Server;
    if (this.handed !== undefined) return closeGracefully(server, this.handed.close());
    return server.listening ? closeGracefully(server) : Promise.resolve();
  }
}

/**
 * Makes JSON of the bytes that Express has read: UTF-8, as JSON is; nothing at all is an empty
 * object. Express' own reader loads the tables of every other encoding with the first body, which a process that has no
 * descriptors left cannot.
 */
function parseJsonBody(
  req: IncomingMessage & { body?: unknown },
  _res: unknown,
  next: (error?: unknown) => void,
): void {
  const { body } = req;
  if (!Buffer.isBuffer(body)) {
    next();
    return;
  }
  try {
    requireUtf8(req.headers['content-type'] ?? '');
    req.body = body.length === 0 ? {} : (JSON.parse(utf8.decode(body)) as unknown);
  } catch (error) {
    const fault = new DomainError('invalid_json', `The body is no JSON: ${reasonOf(error)}`);
    next(error instanceof DomainError ? error : fault);
    return;
  }
  next();
}
