import type { Limits } from '../limits';

/** One caller of the keys file, whom a key or a client certificate proves. */
export interface KeyEntry {
  /** No two entries have the same. */
  readonly name: string;
  readonly proof:
    | {
        readonly kind: 'key';
        /** That of `nk_<id>_<secret>`. */
        readonly id: string;
        /** Of the whole key, in hexadecimal digits. */
        readonly sha256: string;
      }
    | {
        readonly kind: 'certificate';
        /** A name among the certificate's subject alternative names, without its `DNS:` or `URI:`. */
        readonly subject: string;
      };
  readonly scopes: readonly string[];
  /** Of `Date.now()`; left out: never. */
  readonly expiresAtMs?: number;
  readonly limits: Limits;
}
