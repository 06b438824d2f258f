import type { Server } from 'node:http';

const SWEEP_MS = 50;

/**
 * Stops listening and resolves when the last request was answered. Clients keep idle connections open for
 * long, and one that is idle now was perhaps busy a moment ago, so they are closed again and again.
 */
export async function closeServer(server: Server): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(sweep);
  }
}
