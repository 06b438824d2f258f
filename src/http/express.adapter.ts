import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { IncomingMessage, RequestListener, Server, ServerOptions, ServerResponse } from 'node:http';
import type { TlsOptions } from 'node:tls';
import { createHttpServer, createHttpsServer } from './node/create-server';
import { closeGracefully } from './node/graceful-close';
import type { Router } from './router';

/** An Express adapter whose server first asks the front door, once there is one. */
export class NestorExpressAdapter extends ExpressAdapter {
  private router: Router | undefined;

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

  override initHttpServer(_options: NestApplicationOptions): void {
    const listener: RequestListener = (req, res) => this.handle(req, res);
    this.setHttpServer(
      this.tls === undefined
        ? createHttpServer(this.serverOptions, listener)
        : createHttpsServer({ ...this.serverOptions, ...this.tls }, listener),
    );
  }

  override close(): Promise<void> {
    const server = this.getHttpServer() as Server;
    return server.listening ? closeGracefully(server) : Promise.resolve();
  }
}
