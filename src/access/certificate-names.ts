import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** A name in a certificate, as Node writes it: `DNS:a.example, URI:spiffe://a/b`, with quotes where it has a comma. */
const NAME = /(?:DNS|URI|IP Address|email):(?:"((?:[^"\\]|\\.)*)"|([^,]*))/g;

/** The names in the certificates of clients, looked at once a connection. */
export class CertificateNames {
  private readonly known = new WeakMap<Socket, readonly string[]>();

  /** Empty: it has no certificate, or one that none of the authorities has signed. */
  of(socket: Socket): readonly string[] {
    if (!(socket instanceof TLSSocket) || !socket.authorized) return [];
    const known = this.known.get(socket);
    if (known !== undefined) return known;
    const names = namesIn(socket.getPeerCertificate().subjectaltname ?? '');
    this.known.set(socket, names);
    return names;
  }
}

/** @param subjectAltName as Node gives it */
export function namesIn(subjectAltName: string): readonly string[] {
  return [...subjectAltName.matchAll(NAME)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '').trim() : (JSON.parse(`"${quoted}"`) as string),
  );
}
