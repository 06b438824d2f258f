import { PassingMap } from '../../common/passing';
import { DomainError, type ErrorCode, reasonOf } from '../../errors/domain-error';

/** Questions and answers between two processes, or two threads. */
export type ChannelMessage =
  | { readonly kind: 'ask'; readonly id: number; readonly topic: string; readonly payload: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly code: ErrorCode; readonly reason: string };

export function isChannelMessage(message: { kind: string }): message is ChannelMessage {
  return message.kind === 'ask' || message.kind === 'reply' || message.kind === 'refusal';
}

type Handler = (payload: unknown) => unknown;

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** One end of a line on which both sides may ask. Every question settles: by its answer, its time, or the line's end. */
export class RpcChannel {
  private readonly handlers = new Map<string, Handler>();
  private readonly pending = new PassingMap<number, Pending>();
  private lastId = 0;
  private closedBecause: string | undefined;

  /** @param send hands a message to the other side; may throw when the line is broken */
  constructor(private readonly send: (message: ChannelMessage) => void) {}

  /** Answers questions on `topic` with what `handler` gives. */
  handle<Payload, Value>(topic: string, handler: (payload: Payload) => Value | Promise<Value>): void {
    this.handlers.set(topic, handler as Handler);
  }

  /** @throws what the other side's handler throws (its code and message), deadline_exceeded, not_ready once the line is closed */
  ask<Value>(topic: string, payload: unknown, timeoutMs: number): Promise<Value> {
    if (this.closedBecause !== undefined) {
      return Promise.reject(new DomainError('not_ready', this.closedBecause));
    }
    const id = ++this.lastId;
    return new Promise<Value>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new DomainError('deadline_exceeded', `No answer on "${topic}" within ${timeoutMs} ms.`));
      }, timeoutMs);
      this.pending.set(id, { resolve, reject, timer });
      try {
        this.send({ kind: 'ask', id, topic, payload });
      } catch (error) {
        this.settle(id)?.reject(new DomainError('not_ready', reasonOf(error), { cause: error }));
      }
    });
  }

  receive(message: ChannelMessage): void {
    switch (message.kind) {
      case 'ask':
        void this.answer(message.id, message.topic, message.payload);
        break;
      case 'reply':
        this.settle(message.id)?.resolve(message.value);
        break;
      case 'refusal':
        this.settle(message.id)?.reject(new DomainError(message.code, message.reason));
        break;
    }
  }

  /** The other side is gone: nothing that is still asked will be answered. */
  close(reason: string): void {
    this.closedBecause = reason;
    for (const id of [...this.pending.keys()]) this.settle(id)?.reject(new DomainError('not_ready', reason));
  }

  private settle(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    if (pending !== undefined) clearTimeout(pending.timer);
    this.pending.delete(id);
    return pending;
  }

  private async answer(id: number, topic: string, payload: unknown): Promise<void> {
    let message: ChannelMessage;
    try {
      const handler = this.handlers.get(topic);
      if (handler === undefined) throw new DomainError('internal_error', `Nobody answers on "${topic}".`);
      message = { kind: 'reply', id, value: await handler(payload) };
    } catch (error) {
      const code = error instanceof DomainError ? error.code : 'internal_error';
      message = { kind: 'refusal', id, code, reason: reasonOf(error) };
    }
    try {
      this.send(message);
    } catch {
      // Whoever asked is gone.
    }
  }
}
