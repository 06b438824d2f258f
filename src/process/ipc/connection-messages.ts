/** What the primary says to a worker of connections; a `connection` has its socket beside it. */
export type ConnectionToWorker =
  | { readonly kind: 'connection'; readonly id: number }
  /** Has it come? Asked where the worker has said nothing for a while: a descriptor can be lost on its way. */
  | { readonly kind: 'connection-lost'; readonly id: number };

/** A worker's word on a connection: it serves it now, or it never will. */
export interface ConnectionReply {
  readonly kind: 'connection';
  readonly id: number;
  readonly taken: boolean;
}
