import { DomainError, type ErrorCode, reasonOf } from '../../errors/domain-error';
import type { LoadedVersion, UnavailableModel } from './loaded-version';
import type { ConnectionReply, ConnectionToWorker } from './connection-messages';
import type { ChannelMessage } from './rpc-channel';

/** What a worker's models are good for. */
export interface ModelsCondition {
  /** Does it serve all required models; where none is required, at least one? */
  readonly ready: boolean;
  readonly unavailable: readonly UnavailableModel[];
}

/** How a worker is, as it says itself about once a second. */
export interface Heartbeat extends ModelsCondition {
  /** Physical memory of the process, in bytes. */
  readonly rssBytes: number;
  /** Of it what the process shares with no other. */
  readonly ownBytes: number;
}

/** A worker that has begun to serve. */
export interface Ready extends ModelsCondition {
  readonly models: readonly LoadedVersion[];
}

/** What a worker tells its primary. */
export type ToPrimary =
  | ChannelMessage
  | ConnectionReply
  | ({ readonly kind: 'ready' } & Ready)
  /** The worker cannot start; it exits after this. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The event loop turns. */
  | ({ readonly kind: 'heartbeat' } & Heartbeat)
  /** The worker is beyond repair: it wants to be replaced, and finishes what else it holds. */
  | { readonly kind: 'replace-me'; readonly reason: string };

/** What the primary tells a worker. */
export type ToWorker =
  | ChannelMessage
  | ConnectionToWorker
  /** Finish and leave: no more connections come, and load balancers have had their time. */
  | { readonly kind: 'stop' };

/** What a worker's readiness has to say of the whole server. Told on `CONDITION`. */
export interface Condition {
  /** Places whose workers keep dying. */
  readonly crashLooping: number;
  /** Is the server about to leave? It goes on serving while load balancers turn away. */
  readonly stopping: boolean;
}

export const CONDITION = 'condition';

/** A worker's question to all workers, itself included; the primary passes it on and gathers the replies. */
export interface FanOut {
  readonly topic: string;
  readonly payload: unknown;
  readonly timeoutMs: number;
}

export const FAN_OUT = 'fan-out';

/** One worker's answer to a question that went to all. */
export type Reply<Value> =
  | { readonly worker: number; readonly ok: true; readonly value: Value }
  | {
      readonly worker: number;
      readonly ok: false;
      readonly code: ErrorCode;
      readonly reason: string;
      /** Why it is none of the workers any more, where that is why it did not answer. */
      readonly gone?: 'died' | 'left';
      /** The place of the worker, for people. */
      readonly place?: number;
    };

export function failedReply(
  worker: number,
  error: unknown,
  gone?: 'died' | 'left',
  place?: number,
): Reply<never> {
  const code = error instanceof DomainError ? error.code : 'internal_error';
  return { worker, ok: false, code, reason: reasonOf(error), gone, place };
}
