import { DomainError, type ErrorCode } from '../errors/domain-error';

interface FaultKindFacts {
  readonly code: ErrorCode;
  /** May the call be made again, and when? */
  readonly again: 'always' | 'when-idempotent' | 'never';
  /** Does it speak against the remote, so that enough of them take it out of use? */
  readonly againstRemote: boolean;
}

/**
 * How a call to a remote can fail. Nothing was sent in the first two, so that those calls may always be made again;
 * what was sent may have been done, and only what can be done twice is sent twice.
 */
const KINDS = {
  unreachable: { code: 'model_unavailable', again: 'always', againstRemote: true },
  connect_timeout: { code: 'deadline_exceeded', again: 'always', againstRemote: true },
  /** All remotes are out of use: nobody was asked. */
  ejected: { code: 'model_unavailable', again: 'never', againstRemote: false },
  timeout: { code: 'deadline_exceeded', again: 'when-idempotent', againstRemote: true },
  broken: { code: 'bad_upstream', again: 'when-idempotent', againstRemote: true },
  busy: { code: 'overloaded', again: 'when-idempotent', againstRemote: false },
  unavailable: { code: 'model_unavailable', again: 'when-idempotent', againstRemote: true },
  gateway: { code: 'bad_upstream', again: 'when-idempotent', againstRemote: true },
  gateway_timeout: { code: 'deadline_exceeded', again: 'when-idempotent', againstRemote: true },
  failed: { code: 'bad_upstream', again: 'never', againstRemote: true },
  missing: { code: 'bad_upstream', again: 'when-idempotent', againstRemote: true },
  refused: { code: 'bad_upstream', again: 'never', againstRemote: false },
  redirected: { code: 'bad_upstream', again: 'never', againstRemote: true },
  malformed: { code: 'bad_upstream', again: 'never', againstRemote: true },
  too_large: { code: 'bad_upstream', again: 'never', againstRemote: false },
  cancelled: { code: 'client_closed_request', again: 'never', againstRemote: false },
} as const satisfies Record<string, FaultKindFacts>;

export type FaultKind = keyof typeof KINDS;

export const FAULT_KINDS = Object.keys(KINDS) as readonly FaultKind[];

export interface RemoteFaultOptions {
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
  /** What the remote said, for the log alone. */
  readonly excerpt?: string;
}

/** A call to a remote that failed. Its message is for clients, so it names no host. */
export class RemoteFault extends DomainError {
  readonly excerpt: string | undefined;

  constructor(
    readonly kind: FaultKind,
    message: string,
    { excerpt, ...options }: RemoteFaultOptions = {},
  ) {
    super(KINDS[kind].code, message, options);
    this.name = 'RemoteFault';
    this.excerpt = excerpt;
  }

  get againstRemote(): boolean {
    return KINDS[this.kind].againstRemote;
  }

  /** May the call be made again, elsewhere or here? */
  mayRepeat(idempotent: boolean): boolean {
    const { again } = KINDS[this.kind];
    return again === 'always' || (again === 'when-idempotent' && idempotent);
  }
}
