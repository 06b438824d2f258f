import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import helmet from 'helmet';

/** Helmet's other headers tell a browser how to treat a page, which data never becomes as long as it says so. */
const FOR_DATA = ['x-content-type-options', 'nosniff'];
/** A year, as Helmet has it. Sent over TLS alone: a browser then never asks without. */
const OVER_TLS = ['strict-transport-security', 'max-age=31536000'];

/** What answers tell browsers to keep to, worked out once, as names and values in turn. */
export interface SecurityHeaders {
  /** For what Express answers, web pages among it. */
  readonly pages: readonly string[];
  /** For what the router answers. */
  readonly data: readonly string[];
}

export function securityHeaders(overTls: boolean): SecurityHeaders {
  const always = overTls ? OVER_TLS : [];
  return { pages: [...ofHelmet(), ...always], data: [...FOR_DATA, ...always] };
}

/**
 * They are the same for every answer, and the front door's answers never meet Express middleware. HSTS and the upgrade to
 * HTTPS are left out, as they would blank the docs page on a plain-HTTP host.
 */
function ofHelmet(): readonly string[] {
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
