import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { RequestListener, Server, ServerOptions } from 'node:http';
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

  override initHttpServer(_options: NestApplicationOptions): void {
    const express = this.getInstance<RequestListener>();
    const listener: RequestListener = (req, res) => {
      if (this.router === undefined) express(req, res);
      else this.router.handle(req, res, express);
    };
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
