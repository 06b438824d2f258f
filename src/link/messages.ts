import type { ChannelMessage } from './channel';

/** What a worker tells its primary. */
export type ToPrimary =
  | ChannelMessage
  | { readonly kind: 'ready'; readonly models: readonly string[] }
  /** The worker cannot start; it exits after this. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What the primary tells a worker. */
export type ToWorker = ChannelMessage | { readonly kind: 'stop' };

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
  | { readonly worker: number; readonly ok: false; readonly reason: string };
