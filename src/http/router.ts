import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { EventLogger } from '../telemetry/logging/event-logger';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { cut } from '../common/cut';
import { type HttpConfig, httpConfig } from '../config/config.slices';
import { DomainError, ERRORS } from '../errors/domain-error';
import { AccessLog } from '../telemetry/logging/access-log';
import { Recorder } from '../telemetry/metrics/recorder';
import { Tracing } from '../telemetry/tracing/tracing';
import { enterRequestContext, leaveRequestContext } from '../telemetry/logging/request-contexts';
import { requestIdFrom } from '../telemetry/logging/request-id';
import { clientAddresses } from './client-address';
import { Cors } from './headers/cors';
import { declaredLength } from './body/body-reader';
import { setCallerOf } from './caller';
import { type ErrorBody, nativeErrorBody } from './errors/error-body';
import type { Gate } from './gate';
import { Exchange, type ExchangeContext } from './exchange';
import { type SecurityHeaders, securityHeaders } from './headers/security-headers';
import { RefusalLog } from './refusal-log';
import {
  pathOf,
  toOriginForm,
  type Route,
  type RouteAnswer,
  type RoutedCall,
  RouteTable,
  type RouteScope,
} from './route-table';

/** Bodies of the calls that pass through Express are small settings, never tensors. */
export const CONTROL_BODY_BYTES = 256 * 1024;

/**
 * Stands before Express in the same server. What every request gets (id, CORS, security headers, access line) it gets
 * here. One table says what calls there are: some are answered here, the others go on to Express and Nest, and what has
 * no row is refused before its body is read.
 */
@Injectable()
export class Router implements ExchangeContext, OnApplicationShutdown {
  private readonly logger = new EventLogger(Router.name);
  private readonly table = new RouteTable();
  private readonly errorBodies: { path: string; below: string; body: ErrorBody }[] = [];
  private readonly cors: Cors;
  private readonly security: SecurityHeaders;
  /** What answers to programs carry, which send no origin. */
  private readonly plain: readonly string[];
  private readonly forwardedAddress: ((req: IncomingMessage) => string | undefined) | undefined;
  private readonly refusals = new RefusalLog();
  /** Those that went on to Express. */
  private readonly passed = new WeakMap<ServerResponse, Exchange>();
  private gate: Gate | undefined;
  private isDraining = false;

  readonly responseTimeoutMs: number;

  constructor(
    @Inject(httpConfig.KEY) http: HttpConfig,
    private readonly accessLog: AccessLog,
    private readonly recorder: Recorder,
    private readonly tracing: Tracing,
  ) {
    this.cors = new Cors(http);
    this.forwardedAddress = clientAddresses(http.trustedProxies);
    this.responseTimeoutMs = http.responseTimeoutMs;
    this.security = securityHeaders(http.tls !== undefined);
    this.plain = [...this.security.data, ...this.cors.withoutOrigin];
  }

  /** May the caller of this exchange make calls of this scope? A page then offers them. */
  allows(exchange: Exchange, scope: RouteScope): boolean {
    return this.gate?.allows(exchange, scope) ?? true;
  }

  /** From now on a request comes in when `gate` lets it. */
  guard(gate: Gate): void {
    this.gate = gate;
  }

  addRoutes(routes: readonly Route[]): void {
    for (const route of routes) this.table.add(route);
  }

  /** The call that a request is; undefined when there is none. */
  find(method: string, path: string): RoutedCall | undefined {
    return this.table.find(method, path);
  }

  /** Is there anything at the path of a request, by whatever method? */
  has(req: IncomingMessage): boolean {
    toOriginForm(req);
    return this.table.methodsOf(pathOf(req.url ?? '/')).length > 0;
  }

  /** Errors on paths below `prefix` are worded by `body`; elsewhere by the native API. */
  addErrorBody(prefix: string, body: ErrorBody): void {
    this.errorBodies.push({ path: prefix, below: `${prefix}/`, body });
  }

  errorBodyFor(path: string): ErrorBody {
    for (const each of this.errorBodies) {
      if (path.startsWith(each.below) || path === each.path) return each.body;
    }
    return nativeErrorBody;
  }

  /** From here on every answer asks its client to open a new connection, which goes to another process. */
  drain(): void {
    this.isDraining = true;
  }

  addressOf(req: IncomingMessage): string | undefined {
    return this.forwardedAddress === undefined ? req.socket.remoteAddress : this.forwardedAddress(req);
  }

  draining(): boolean {
    return this.isDraining;
  }

  commonHeaders({ req, changes }: Exchange): readonly string[] {
    return req.headers.origin === undefined
      ? this.plain
      : [...this.security.data, ...this.cors.headers(req, changes)];
  }

  finished(exchange: Exchange, status: number, bytesOut: number): void {
    this.recorder.response(status);
    const endMs = performance.now();
    const record = exchange.trace?.record;
    this.accessLog.write(
      exchange.requestId,
      exchange.req.method ?? '',
      exchange.path,
      status,
      endMs - exchange.startedAt,
      exchange.bytesIn,
      bytesOut,
      exchange.address ?? '',
      exchange.model,
      exchange.caller?.name,
      exchange,
      record,
    );
    exchange.caller?.end(status);
    if (record !== undefined) {
      const { req, startedAt: startMs, readMs, code } = exchange;
      this.tracing.finished(record, { method: req.method ?? '', status, startMs, readMs, endMs, code });
    }
  }

  exchange(req: IncomingMessage, res: ServerResponse): Exchange {
    toOriginForm(req);
    const path = pathOf(req.url ?? '/');
    const requestId = requestIdFrom(req.headers['x-request-id']);
    return new Exchange(req, res, requestId, path, this, this.errorBodyFor(path));
  }

  handle(req: IncomingMessage, res: ServerResponse, express: RequestListener): void {
    const hasHost = req.headers.host !== undefined || req.httpVersionMinor === 0;
    const exchange = this.exchange(req, res);
    if (!hasHost) {
      exchange.refuse(new DomainError('invalid_request', 'The header Host is missing.'));
      return;
    }
    const coding = req.headers['transfer-encoding'];
    if (coding !== undefined && !/^chunked$/i.test(coding)) {
      exchange.refuse(unknownCoding(coding));
      return;
    }
    if (exchange.expectsTheUnknown) {
      exchange.fail(unknownExpectation(req));
      return;
    }
    if (this.cors.isPreflight(req)) {
      exchange.changes = isChange(this.table.find(this.cors.methodAskedFor(req), exchange.path));
      exchange.send(204, this.cors.preflightHeaders(req, exchange.changes), []);
      return;
    }
    const call = this.table.find(req.method ?? '', exchange.path);
    exchange.changes = isChange(call);
    if (call?.route.scope === 'infer') exchange.trace = this.tracing.begin(req.headers, call.route.pattern);
    let admitted: Promise<void> | undefined;
    try {
      admitted = this.gate?.admit(exchange, call);
    } catch (refusal) {
      this.fail(exchange, refusal);
      return;
    }
    if (admitted === undefined) {
      this.goOn(exchange, call, express);
    } else {
      admitted
        .then(() => this.goOn(exchange, call, express))
        .catch((refusal: unknown) => this.fail(exchange, refusal));
    }
  }

  private goOn(exchange: Exchange, call: RoutedCall | undefined, express: RequestListener): void {
    if (call === undefined) this.refuse(exchange);
    else if (call.route.answer === undefined) this.passOn(exchange, call, express);
    else this.answer(exchange, call, call.route.answer);
  }

  private answer(exchange: Exchange, call: RoutedCall, answer: RouteAnswer): void {
    try {
      answer(exchange, call)?.catch((thrown: unknown) => this.fail(exchange, thrown));
    } catch (thrown) {
      this.fail(exchange, thrown);
    }
  }

  private refuse(exchange: Exchange): void {
    const { path, req } = exchange;
    const methods = this.table.methodsOf(path);
    if (methods.length === 0) {
      exchange.fail(nothingAt(req.method, path));
      return;
    }
    this.notAllowed(exchange, methods);
  }

  private notAllowed(exchange: Exchange, methods: readonly string[]): void {
    const { path, req } = exchange;
    const uses = methods.join(' or ');
    const error = new DomainError(
      'method_not_allowed',
      `${req.method} is not allowed on ${cut(path)}: use ${uses}.`,
    );
    exchange.fail(error, ['allow', methods.join(', ')]);
  }

  fail(exchange: Exchange, thrown: unknown): void {
    // A name that no model has may be that of something else, by another method.
    const noModel = thrown instanceof DomainError && thrown.code === 'model_not_found';
    const methods = noModel ? this.table.methodsOf(exchange.path, 'literal') : [];
    if (methods.length > 0 && !methods.includes(exchange.req.method ?? ''))
      this.notAllowed(exchange, methods);
    else this.report(exchange, exchange.fail(thrown));
  }

  /** What a request that went on to Express is answered with, for its access line. */
  failedInExpress(res: ServerResponse, { code }: DomainError): void {
    const exchange = this.passed.get(res);
    if (exchange !== undefined) exchange.code = code;
  }

  onApplicationShutdown(): void {
    this.refusals.flush();
  }

  /** Logs the failures that are this server's, with the request's id; a client's mistakes show in the access line. */
  report(
    exchange: Pick<Exchange, 'requestId' | 'path' | 'model'> & Partial<Pick<Exchange, 'trace'>>,
    error: DomainError,
  ): void {
    const { level } = ERRORS[error.code];
    if (this.refusals.concerns(error)) this.refusals.note(error, exchange.model);
    if (level === 'silent') return;
    const { requestId, path, model, trace } = exchange;
    const cause = error.cause instanceof Error ? error.cause : undefined;
    const traceId = trace?.record?.traceId;
    this.logger[level]({
      msg: error.message,
      requestId,
      path,
      model,
      code: error.code,
      ...(traceId && { trace_id: traceId }),
      err: cause,
    });
  }

  private passOn(exchange: Exchange, { path }: RoutedCall, express: RequestListener): void {
    const { req, res } = exchange;
    if (declaredLength(req)! > CONTROL_BODY_BYTES) {
      exchange.fail(
        new DomainError('body_too_large', `The body of this call may have ${CONTROL_BODY_BYTES} bytes.`),
      );
      return;
    }
    req.url = path + (req.url ?? '').slice(exchange.path.length);
    (req as IncomingMessage & { id: string }).id = exchange.requestId;
    res.setHeader('x-request-id', exchange.requestId);
    if (exchange.caller !== undefined) setCallerOf(req, exchange.caller);
    const headers = [...this.security.pages, ...this.cors.headers(req, exchange.changes)];
    for (let i = 0; i < headers.length; i += 2) res.setHeader(headers[i] ?? '', headers[i + 1] ?? '');
    if (this.isDraining) res.setHeader('connection', 'close');
    this.passed.set(res, exchange);
    enterRequestContext();
    exchange.wantBody();
    exchange.limitTaking();
    // What somebody writes after an end must not become an uncaught exception.
    res.on('error', ignore);
    res.once('close', () => {
      leaveRequestContext();
      exchange.bytesIn = Number(req.headers['content-length'] ?? 0);
      exchange.finish(
        res.writableFinished ? res.statusCode : ERRORS.client_closed_request.status,
        Number(res.getHeader('content-length') ?? 0),
      );
    });
    express(req, res);
  }
}

function unknownExpectation({ headers: { expect = '' } }: IncomingMessage): DomainError {
  return new DomainError(
    'expectation_failed',
    `Header Expect: "${expect.slice(0, 40)}" is nothing that this server does; send 100-continue or none.`,
  );
}

/** Node takes the chunks apart, whatever they were packed in before. https://www.rfc-editor.org/rfc/rfc9112#section-6.1 */
function unknownCoding(coding: string): DomainError {
  return new DomainError(
    'unsupported_transfer_coding',
    `Header Transfer-Encoding: "${coding.slice(0, 40)}" is not read; send chunked alone, and say in Content-Encoding how the body is packed.`,
  );
}

function isChange(call: RoutedCall | undefined): boolean {
  return call !== undefined && call.route.scope.endsWith(':write');
}

function ignore(): void {
  // On purpose nothing.
}

/** The refusal of a call that there is not. */
export function nothingAt(method: string | undefined, path: string): DomainError {
  return new DomainError(
    'route_not_found',
    `There is nothing at ${method} ${cut(path)}; /docs lists what there is.`,
  );
}
