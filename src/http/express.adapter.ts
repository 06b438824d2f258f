import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createHttpServer } from './node/create-server';
import { closeGracefully } from './node/graceful-close';
import type { Router } from './router';

/** The part of Express 5's router that tells which routes it has. */
interface RouterLayer {
  match(path: string): boolean;
  route?: { methods: Record<string, boolean> };
}

/** An Express adapter whose server first asks the front door, once there is one. */
export class NestorExpressAdapter extends ExpressAdapter {
  private router: Router | undefined;

  constructor(private readonly serverOptions: ServerOptions) {
    super();
  }

  /** Routes every request through `router` from now on. */
  open(router: Router): void {
    this.router = router;
  }

  override initHttpServer(_options: NestApplicationOptions): void {
    const express = this.getInstance<RequestListener>();
    this.setHttpServer(
      createHttpServer(this.serverOptions, (req, res) => {
        if (this.router === undefined) express(req, res);
        else this.router.handle(req, res, express);
      }),
    );
  }

  override close(): Promise<void> {
    const server = this.getHttpServer() as Server;
    return server.listening ? closeGracefully(server) : Promise.resolve();
  }

  /** The methods under which Express knows this path: what a 405 lists in `Allow`. */
  methodsOf(path: string): string[] {
    const { router } = this.getInstance<{ router: { stack: RouterLayer[] } }>();
    const methods = new Set<string>();
    for (const layer of router.stack) {
      if (layer.route === undefined || !layer.match(path)) continue;
      // Middleware bound to every method says nothing of which ones are served.
      if (layer.route.methods.trace) continue;
      for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
    }
    return [...methods].sort();
  }
}
