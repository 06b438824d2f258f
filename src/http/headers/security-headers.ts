import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/**
 * Helmet's headers, worked out once as a flat list: they are the same for every answer, and the front
 * door's answers never meet Express middleware. HSTS and the upgrade to HTTPS are left out, as they
 * would blank the docs page on a plain-HTTP host.
 */
export function securityHeaders(): readonly string[] {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  helmet({
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    strictTransportSecurity: false,
    crossOriginResourcePolicy: { policy: 'cross-origin' },
  })(new IncomingMessage(new Socket()), response, (error?: unknown) => {
    if (error !== undefined) throw new Error('Helmet refused its own settings', { cause: error });
  });
  return Object.entries(response.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
}
