import type { Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';

/** How long an idle connection may still bring a request, whose answer then asks the client to leave. */
const GRACE_MS = 500;
const SWEEP_MS = 50;
/** What a turn of the event loop takes in which there was nothing to do. */
const QUIET_TURN_MS = 1;
const MOST_TURNS = 20;
/** Where new connections do not cease, the port closes all the same. */
const BACKLOG_MS = 1000;

/**
 * Stops listening and resolves when the last request was answered. Clients keep idle connections open for
 * long, so they are closed, but not at once: a request that is on its way on one would be lost. The ones
 * that are in use close by themselves, as every answer says so from now on.
 * @param stopped resolves when it has no connection any more, and gets none; for a server that listens itself, its close
 */
export async function closeGracefully(server: Server, stopped = whenClosed(server)): Promise<void> {
  let sweep: NodeJS.Timeout | undefined;
  const grace = setTimeout(() => {
    sweep = setInterval(() => void closeIdle(server), SWEEP_MS);
  }, GRACE_MS);
  try {
    await stopped;
  } finally {
    clearTimeout(grace);
    clearInterval(sweep);
  }
}

/**
 * What has come on a connection that seems idle may not have been read yet, and would be lost with it. A turn of the event
 * loop reads what is there; after one that took no time hardly anything can have come since.
 */
async function closeIdle(server: Server): Promise<void> {
  for (let turns = 0; turns < MOST_TURNS; turns++) {
    const startMs = performance.now();
    await turn();
    if (performance.now() - startMs < QUIET_TURN_MS && turns > 0) break;
  }
  server.closeIdleConnections();
}

/**
 * Takes what the system has accepted for a server that listens, and would reset if it closed. Node fetches one
 * connection in a turn of the event loop, so a turn without one has found none.
 */
export async function emptyBacklog(server: NetServer): Promise<void> {
  const endMs = performance.now() + BACKLOG_MS;
  let found = true;
  const note = (): void => void (found = true);
  server.on('connection', note);
  while (found && server.listening && performance.now() < endMs) {
    found = false;
    await turn();
    await turn();
  }
  server.off('connection', note);
}

async function whenClosed(server: Server): Promise<void> {
  await emptyBacklog(server);
  // The close of an HTTP server would close idle connections itself, and at once.
  await new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
}
