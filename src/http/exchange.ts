import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError, type ErrorCode, ERRORS, naming, toDomainError } from '../errors/domain-error';
import type { RequestTrace } from '../telemetry/tracing/trace-record';
import type { Caller } from './caller';
import { declaredLength } from './body/body-reader';
import { Connection, type InHand } from './connection';
import type { ErrorBody } from './errors/error-body';
import { Refusal } from './errors/refusal';
import { detachBuffer } from '../common/detach-buffer';
import { mayWriteOnce, writeOnce } from './node/single-write';
import { UnbufferedRequest } from './node/unbuffered-request';

/** A small body that nobody read is cheaper to discard than its connection is to open again. */
const DISCARD_BYTES = 64 * 1024;
/** A body up to this goes out in one piece with its head; a larger one would be copied too often. */
const ONE_PIECE_BYTES = 4096;
/** How long a refused client may go on sending before its connection closes under it. */
const LINGER_MS = 1000;

/** What the exchanges of one server share. */
export interface ExchangeContext {
  /** Headers that every answer carries besides its own, as names and values in turn. */
  commonHeaders(exchange: Exchange): readonly string[];
  /** Called once for each exchange, when its answer is handed over. */
  finished(exchange: Exchange, status: number, bytesOut: number): void;
  /** Of whoever sent a request; undefined: nobody knows any more. */
  addressOf(req: IncomingMessage): string | undefined;
  /** Is the server on its way out, so that connections are not to be kept? */
  draining(): boolean;
  /** How long a client may take nothing of its answer. */
  readonly responseTimeoutMs: number;
}

/** As Node finds it: one of several things that a client may expect. */
const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i;

const JSON_HEADERS = ['content-type', 'application/json; charset=utf-8'];

/** One request and its answer, on the way that does not pass through Express. */
export class Exchange implements InHand {
  readonly startedAt = performance.now();
  /** The model this exchange is about, for the access line. */
  model: string | undefined;
  /** Is it to change the server for everybody? */
  changes = false;
  /** Who sends the request, where that matters. */
  caller: Caller | undefined;
  /** Of the error that it is answered with. */
  code: ErrorCode | undefined;
  /** How long its stages took, as far as it came. */
  readMs: number | undefined;
  decodeMs: number | undefined;
  queueMs: number | undefined;
  runMs: number | undefined;
  /** What it brings of a trace, and whether it is sampled; undefined: neither. */
  trace: RequestTrace | undefined;
  /** Bytes of the request's body that were read. */
  bytesIn = 0;
  readonly connection: Connection;
  private answered = false;
  private isFinished = false;
  private isBroken = false;
  private continued = false;
  /** Several where the request runs in parts. */
  private readonly leaveListeners: { handleEvent(): void }[] = [];

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    readonly requestId: string,
    readonly path: string,
    private readonly context: ExchangeContext,
    private readonly errorBody: ErrorBody,
  ) {
    this.connection = Connection.of(req.socket);
    this.connection.errorBody = errorBody;
    this.connection.begin(this);
  }

  /** Has the client gone, so that no answer can reach it? What is queued for it need not run. */
  get aborted(): boolean {
    return this.connection.isClosed || this.res.destroyed;
  }

  /** Of whoever sent it. */
  get address(): string | undefined {
    return this.context.addressOf(this.req);
  }

  /** A header that comes once; undefined when it is absent. Node joins repeated ones with commas. */
  header(name: string): string | undefined {
    const value = this.req.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Calls the listener when the client goes before its answer. */
  addEventListener(_type: 'abort', listener: { handleEvent(): void }): void {
    this.leaveListeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: { handleEvent(): void }): void {
    const index = this.leaveListeners.indexOf(listener);
    if (index !== -1) this.leaveListeners.splice(index, 1);
  }

  clientLeft(): void {
    for (const listener of this.leaveListeners.splice(0)) listener.handleEvent();
  }

  get isArriving(): boolean {
    return !this.req.complete;
  }

  /** Does the client expect something else than to be told to go on? */
  get expectsTheUnknown(): boolean {
    const { req } = this;
    return req.headers.expect !== undefined && takesInterim(req) && !CONTINUE.test(req.headers.expect);
  }

  /** The body is wanted: a client that waits to be told so, is told. */
  wantBody(): void {
    if (!this.awaitsContinue) return;
    this.res.writeContinue();
    this.continued = true;
  }

  sendInterim(): void {
    const { req, res } = this;
    if (takesInterim(req) && !res.headersSent && res.socket !== null) res.writeContinue();
  }

  refuse(error: DomainError): void {
    this.isBroken = true;
    this.fail(error);
  }

  /** The answer is handed over, or nobody is there to take it. */
  finish(status: number, bytesOut: number): void {
    if (this.isFinished) return;
    this.isFinished = true;
    this.connection.end(this);
    this.context.finished(this, status, bytesOut);
  }

  /** Calls `listener` when the answer has left this process, or its client this server: at once, if that is so. */
  whenGone(listener: () => void): void {
    if (this.aborted || this.res.writableFinished) listener();
    else this.res.once('close', listener);
  }

  /** Gives back the memory of a body that was read, unless it came through a stream: then others may yet hold it. */
  giveBack(body: Buffer): void {
    if (this.req instanceof UnbufferedRequest && this.req.bodyTaken) detachBuffer(body);
  }

  /** Sends the whole answer. `headers` are names and values in turn; lengths are added here. */
  send(status: number, headers: readonly string[], body: readonly Buffer[]): void {
    if (this.answered) return;
    this.answered = true;
    let bytes = 0;
    for (const part of body) bytes += part.length;
    this.finish(status, bytes);
    if (this.aborted) return;
    const closes = this.isBroken || this.hasLargeUnreadBody();
    if (bytes <= ONE_PIECE_BYTES && !closes && this.mayWriteOnce(status)) {
      const common = this.context.commonHeaders(this);
      const fields = `${lines(headers)}x-request-id: ${this.requestId}\r\n${lines(common)}`;
      writeOnce(this.res, status, fields, latin1(body));
    } else {
      this.sendInParts(status, headers, body, bytes, closes);
    }
    this.limitTaking();
  }

  /** From here on the client has to take something of its answer, now and then. */
  limitTaking(): void {
    if (!this.res.writableFinished) this.req.socket.setTimeout(this.context.responseTimeoutMs);
  }

  sendJson(status: number, value: object, headers: readonly string[] = []): void {
    this.send(status, [...JSON_HEADERS, ...headers], [Buffer.from(JSON.stringify(value))]);
  }

  /** Answers with what went wrong, in the words of this exchange's protocol. */
  fail(thrown: unknown, headers: readonly string[] = []): DomainError {
    const error = this.named(toDomainError(thrown));
    const { code, retryAfterSeconds } = error;
    this.code = code;
    const all = [...headers, ...(error instanceof Refusal ? error.headers : [])];
    if (retryAfterSeconds !== undefined) all.push('retry-after', String(retryAfterSeconds));
    this.sendJson(ERRORS[code].status, this.errorBody(error, this.requestId), all);
    return error;
  }

  /** What was in the way is for those who may see it. */
  private named(error: DomainError): DomainError {
    const { code, inTheWay, retryAfterSeconds } = error;
    if (inTheWay === undefined || inTheWay.length === 0) return error;
    const message = naming(error, (model) => this.caller?.maySee(model) ?? true);
    return new DomainError(code, message, { retryAfterSeconds });
  }

  private mayWriteOnce(status: number): boolean {
    return status !== 204 && this.req.method !== 'HEAD' && !this.context.draining() && mayWriteOnce(this.res);
  }

  private sendInParts(
    status: number,
    headers: readonly string[],
    body: readonly Buffer[],
    bytes: number,
    closes: boolean,
  ): void {
    const { req, res, context } = this;
    const all = headers.concat('x-request-id', this.requestId, context.commonHeaders(this));
    if (status !== 204) all.push('content-length', String(bytes));
    if (closes || context.draining()) all.push('connection', 'close');
    res.writeHead(status, all);
    if (req.method === 'HEAD') {
      res.end();
    } else if (closes) {
      this.lingerAfter(body);
    } else {
      for (let i = 0; i < body.length - 1; i++) res.write(body[i]);
      res.end(body[body.length - 1]);
    }
  }

  /** Does its client keep the body until it is told that it is wanted? */
  private get awaitsContinue(): boolean {
    return this.req.headers.expect !== undefined && !this.continued && takesInterim(this.req);
  }

  private hasLargeUnreadBody(): boolean {
    if (this.req.complete) return false;
    // Whether it comes now, only the client knows.
    if (this.awaitsContinue) return true;
    const declared = declaredLength(this.req);
    if (declared === undefined) return this.req.headers['transfer-encoding'] !== undefined;
    return declared - this.bytesIn > DISCARD_BYTES;
  }

  /**
   * Closing a socket with unread data resets the connection, and the answer may be lost on the way. So the
   * answer goes out whole, what the client still sends is thrown away, and the connection closes when the
   * client has stopped or its time is up.
   */
  private lingerAfter(body: readonly Buffer[]): void {
    for (const part of body) this.res.write(part);
    const timer = setTimeout(() => this.req.socket.destroy(), LINGER_MS);
    this.req.once('end', () => this.res.end());
    this.res.once('close', () => clearTimeout(timer));
    this.req.resume();
  }
}

/** Does HTTP let a client be answered for the time being? */
function takesInterim({ httpVersionMajor, httpVersionMinor }: IncomingMessage): boolean {
  return httpVersionMajor === 1 && httpVersionMinor === 1;
}

/** Header lines of names and values in turn. */
function lines(headers: readonly string[]): string {
  let text = '';
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return text;
}

/** The bytes as a string of as many characters. */
function latin1(body: readonly Buffer[]): string {
  let text = '';
  for (const part of body) text += part.toString('latin1');
  return text;
}
