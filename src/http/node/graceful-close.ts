import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';

/** How long an idle connection may still bring a request, whose answer then asks the client to leave. */
const GRACE_MS = 500;
const SWEEP_MS = 50;

/**
 * Stops listening and resolves when the last request was answered. Clients keep idle connections open for
 * long, so they are closed, but not at once: a request that is on its way on one would be lost. The ones
 * that are in use close by themselves, as every answer says so from now on.
 */
export async function closeGracefully(server: Server): Promise<void> {
  let sweep: NodeJS.Timeout | undefined;
  const grace = setTimeout(() => {
    sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  }, GRACE_MS);
  try {
    // The close of an HTTP server would close idle connections itself, and at once.
    await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  } finally {
    clearTimeout(grace);
    clearInterval(sweep);
  }
}
