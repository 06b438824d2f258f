import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createDirectServer } from './direct-server';
import { closeServer } from './drain';
import type { FrontDoor } from './front-door';

/** The part of Express 5's router that tells which routes it has. */
interface RouterLayer {
  match(path: string): boolean;
  route?: { methods: Record<string, boolean> };
}

/** An Express adapter whose server first asks the front door, once there is one. */
export class FrontDoorAdapter extends ExpressAdapter {
  private frontDoor: FrontDoor | undefined;

  constructor(private readonly serverOptions: ServerOptions) {
    super();
  }

  /** Routes every request through `frontDoor` from now on. */
  open(frontDoor: FrontDoor): void {
    this.frontDoor = frontDoor;
  }

  override initHttpServer(_options: NestApplicationOptions): void {
    const express = this.getInstance<RequestListener>();
    this.setHttpServer(
      createDirectServer(this.serverOptions, (req, res) => {
        if (this.frontDoor === undefined) express(req, res);
        else this.frontDoor.handle(req, res, express);
      }),
    );
  }

  override close(): Promise<void> {
    const server = this.getHttpServer() as Server;
    return server.listening ? closeServer(server) : Promise.resolve();
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
