import { DomainError, type ErrorCode } from '../../errors/domain-error';
import type { RemoteOutcome } from '../../telemetry/metrics/outcome';

type When = 'always' | 'when-idempotent' | 'never';

interface FaultKindFacts {
  readonly code: ErrorCode;
  /** May the call be made again? */
  readonly again: When;
  /** May the requests of a batch that failed so be sent one by one, as only one of them may be to blame? */
  readonly apart: When;
  /** Does it speak against the remote, so that enough of them take it out of use? */
  readonly againstRemote: boolean;
}

/**
 * How a call to a remote can fail. Nothing was sent in the first two, so that those calls may always be made again;
 * what was sent may have been done, and only what can be done twice is sent twice.
 */
const KINDS = {
  unreachable: { code: 'model_unavailable', again: 'always', apart: 'never', againstRemote: true },
  connect_timeout: { code: 'deadline_exceeded', again: 'always', apart: 'never', againstRemote: true },
  timeout: { code: 'deadline_exceeded', again: 'when-idempotent', apart: 'never', againstRemote: true },
  broken: { code: 'bad_upstream', again: 'when-idempotent', apart: 'never', againstRemote: true },
  busy: { code: 'overloaded', again: 'when-idempotent', apart: 'never', againstRemote: false },
  unavailable: { code: 'model_unavailable', again: 'when-idempotent', apart: 'never', againstRemote: true },
  gateway: { code: 'bad_upstream', again: 'when-idempotent', apart: 'never', againstRemote: true },
  gateway_timeout: {
    code: 'deadline_exceeded',
    again: 'when-idempotent',
    apart: 'never',
    againstRemote: true,
  },
  failed: { code: 'bad_upstream', again: 'never', apart: 'when-idempotent', againstRemote: true },
  missing: { code: 'bad_upstream', again: 'when-idempotent', apart: 'never', againstRemote: true },
  refused: { code: 'bad_upstream', again: 'never', apart: 'always', againstRemote: false },
  redirected: { code: 'bad_upstream', again: 'never', apart: 'never', againstRemote: true },
  malformed: { code: 'bad_upstream', again: 'never', apart: 'when-idempotent', againstRemote: true },
  too_large: { code: 'bad_upstream', again: 'never', apart: 'when-idempotent', againstRemote: false },
  cancelled: { code: 'client_closed_request', again: 'never', apart: 'never', againstRemote: false },
} as const satisfies Record<Exclude<RemoteOutcome, 'success'>, FaultKindFacts>;

export type FaultKind = keyof typeof KINDS;

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
    return holds(KINDS[this.kind].again, idempotent);
  }

  mayRunApart(idempotent: boolean): boolean {
    return holds(KINDS[this.kind].apart, idempotent);
  }
}

function holds(when: When, idempotent: boolean): boolean {
  return when === 'always' || (when === 'when-idempotent' && idempotent);
}
