import type { Socket } from 'node:net';
import type { DomainError } from '../errors/domain-error';
import { type ErrorBody, nativeErrorBody } from './errors/error-body';

/** A request that has no answer yet. */
export interface InHand {
  /** Is there more of it to come? */
  readonly isArriving: boolean;
  clientLeft(): void;
  /** Lets the client know that it is not forgotten, before there is an answer. */
  sendInterim(): void;
  /** Answers that what came of it is no request, and closes the connection. */
  refuse(error: DomainError): void;
  /** Calls `listener` when the answer has gone. */
  whenGone(listener: () => void): void;
}

/** A client that sends no more is asked after so long whether it is still there. */
const FIRST_QUESTION_MS = 150;
/** How much longer it is left in peace each time: some take only a handful of interim answers. */
const NEXT_QUESTION_FACTOR = 3;

/**
 * One client's connection, for as long as it is open. Its socket has one listener for all requests that come on it: an
 * emitter that each request adds to and takes from keeps on Node 24 what the request held alive, until a full collection.
 */
export class Connection {
  private static readonly known = new WeakMap<Socket, Connection>();

  /** How to word what goes wrong outside of any exchange: as for the last request. */
  errorBody: ErrorBody = nativeErrorBody;
  /** In the order in which they came: several where they were sent ahead. */
  private readonly inHand: InHand[] = [];
  private isBroken = false;
  /** Has the request that is arriving its answer already? */
  private isAhead = false;
  private question: NodeJS.Timeout | undefined;

  static of(socket: Socket): Connection {
    let connection = Connection.known.get(socket);
    if (connection === undefined) {
      connection = new Connection(socket);
      Connection.known.set(socket, connection);
    }
    return connection;
  }

  private constructor(private readonly socket: Socket) {
    socket.once('close', () => {
      clearTimeout(this.question);
      for (const each of this.inHand.splice(0)) each.clientLeft();
    });
    socket.once('end', () => this.ask(FIRST_QUESTION_MS));
  }

  get isClosed(): boolean {
    return this.socket.destroyed;
  }

  get isIdle(): boolean {
    return this.inHand.length === 0;
  }

  begin(request: InHand): void {
    this.isAhead = false;
    this.inHand.push(request);
  }

  end(request: InHand): void {
    this.isAhead ||= request.isArriving;
    const index = this.inHand.indexOf(request);
    if (index !== -1) this.inHand.splice(index, 1);
  }

  /**
   * Refuses what came and is no request, once. Where it is part of one that is in hand, that is refused; where its
   * request has its answer already, the connection closes. Answers to those before it go first.
   * @param answer writes the refusal, when it is its turn
   */
  refuse(error: DomainError, answer: () => void): void {
    if (this.isBroken) return;
    this.isBroken = true;
    const last = this.inHand[this.inHand.length - 1];
    const say = this.isAhead ? () => this.socket.destroySoon() : answer;
    if (last === undefined) say();
    else if (last.isArriving) last.refuse(error);
    else last.whenGone(say);
  }

  /**
   * A client that sends no more may wait for its answers or have left, which to TCP is the same. Only one that has left
   * refuses what it is sent: an interim answer, which HTTP lets come before any other, tells the two apart at the second
   * one at the latest.
   */
  private ask(afterMs: number): void {
    if (!this.socket.writable || this.isIdle) return;
    this.question = setTimeout(() => {
      this.inHand[0]?.sendInterim();
      this.ask(afterMs * NEXT_QUESTION_FACTOR);
    }, afterMs);
  }
}
