import type { IncomingMessage } from 'node:http';
import { DomainError } from '../errors/domain-error';
import { Refusal } from '../http/errors/refusal';
import { addressName } from './limits';
import { CertificateNames } from './certificate-names';
import type { Credentials, Identity } from './credentials/credentials';
import { LeaseBook } from './rates/lease-book';

/** How Node writes a header that came twice. */
export const TWICE = ', ';

const CHALLENGE = 'Bearer realm="nestor"';
const NO_CREDENTIAL =
  'This call needs a key or a token: send "Authorization: Bearer <key>" or "X-API-Key: <key>".';

export interface AuthenticationOptions {
  /** Wrong credentials of one address that are answered by themselves. */
  readonly failuresPerSecond: number;
  /** Addresses that send some, at most. */
  readonly maxCallers: number;
}

/** Finds out who sends a request, and words what is wrong with it where nobody that is known does. */
export class Authentication {
  private readonly failures: LeaseBook;
  private readonly certificates = new CertificateNames();

  constructor(
    private readonly credentials: Credentials,
    private readonly options: AuthenticationOptions,
  ) {
    this.failures = new LeaseBook(options.maxCallers);
  }

  /**
   * By a key or token, else by the certificate of the connection.
   * @param address of whoever sends it
   * @throws unauthorized, rate_limited, invalid_request for two credentials, not_ready; also by rejecting
   */
  identify(req: IncomingMessage, address = req.socket.remoteAddress): Identity | Promise<Identity> {
    try {
      const identity = this.identityOf(req);
      if (!(identity instanceof Promise)) return identity;
      return identity.catch((error: unknown) => {
        throw this.refusalOf(address, error);
      });
    } catch (error) {
      throw this.refusalOf(address, error);
    }
  }

  private identityOf(req: IncomingMessage): Identity | Promise<Identity> {
    const { authorization, 'x-api-key': keys } = req.headers;
    const key = Array.isArray(keys) ? keys.join(TWICE) : keys;
    if (authorization !== undefined && key !== undefined)
      throw new DomainError(
        'invalid_request',
        'The request has both Authorization and X-API-Key; one is enough.',
      );
    const header = authorization ?? key;
    if (header !== undefined) {
      if (header.includes(TWICE))
        throw new DomainError('invalid_request', 'The request has two credentials.');
      return this.credentials.identify(header, authorization === undefined ? 'api-key' : 'authorization');
    }
    const identity = this.credentials.identifyCertificate(this.certificates.of(req.socket));
    if (identity === undefined)
      throw new Refusal('unauthorized', NO_CREDENTIAL, ['www-authenticate', CHALLENGE]);
    return identity;
  }

  /** Whoever sends wrong ones too often is not told of each any more. Right ones from there go on to be let in. */
  private refusalOf(address: string | undefined, error: unknown): unknown {
    if (!(error instanceof DomainError) || error.code !== 'unauthorized' || error instanceof Refusal)
      return error;
    const { failuresPerSecond: perSecond } = this.options;
    const question = { key: addressName(address), perSecond, wanted: 1, least: 1 };
    const { tokens, retryAfterMs } = this.failures.lease(question, performance.now());
    if (tokens === 0) {
      return new DomainError('rate_limited', 'Too many wrong credentials come from this address.', {
        retryAfterSeconds: Math.max(1, Math.ceil(retryAfterMs / 1000)),
      });
    }
    const why = `error="invalid_token", error_description="${error.message.replaceAll(/["\\]/g, "'")}"`;
    return new Refusal('unauthorized', error.message, ['www-authenticate', `${CHALLENGE}, ${why}`]);
  }
}

export function hasCredential({ headers }: IncomingMessage): boolean {
  return headers.authorization !== undefined || headers['x-api-key'] !== undefined;
}
