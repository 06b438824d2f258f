import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import { type AccessConfig, accessConfig, type HttpConfig, httpConfig } from '../config/config.slices';
import { DomainError } from '../errors/domain-error';
import type { Exchange } from '../http/exchange';
import type { Gate } from '../http/gate';
import type { Route, RoutedCall, RouteScope } from '../http/route-table';
import { ProcessLog } from '../telemetry/logging/process-log';
import { Recorder } from '../telemetry/metrics/recorder';
import { AccessService } from './access.service';
import { addressName, type Limits } from './limits';
import { Authentication, hasCredential, TWICE } from './authentication';
import { allowsSome, hasKeys, type Need, needs, requireScope } from './authorization';
import type { Identity } from './credentials/credentials';
import { LocalRule } from './local-rule';
import { outcomeOf, Visit } from './visit';

/** Headers that proxies leave in a request that they pass on. */
const PROXY_HEADERS = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Lets a request in when its caller may make the call and is within its limits. */
@Injectable()
export class AccessGate implements Gate {
  private readonly needOf: (scope: RouteScope) => Need;
  private readonly authentication: Authentication;
  private readonly rule: LocalRule;
  private readonly hasKeys: boolean;
  private readonly checksHost: boolean;
  private readonly metricsByCaller: boolean;
  /** Of those who send no credential where none is needed. */
  private readonly limits: Limits;

  constructor(
    @Inject(accessConfig.KEY) config: AccessConfig,
    @Inject(httpConfig.KEY) { host: listenHost, corsOrigins }: HttpConfig,
    private readonly access: AccessService,
    private readonly log: ProcessLog,
    private readonly recorder: Recorder,
  ) {
    this.needOf = needs(config);
    this.authentication = new Authentication(access.directory.credentials, config);
    this.rule = new LocalRule({ listenHost, allowedHosts: config.allowedHosts, corsOrigins });
    this.hasKeys = hasKeys(config);
    this.checksHost = config.mode !== 'off' && !this.hasKeys;
    this.limits = config.limits;
    this.metricsByCaller = config.metricsByCaller;
  }

  admit(exchange: Exchange, call: RoutedCall | undefined): Promise<void> | undefined {
    this.checkHost(exchange.req.headers.host);
    if (call === undefined) return undefined;
    const { route, model } = call;
    const need = this.needOf(route.scope);
    if (isAudited(route))
      exchange.caller = new Visit(true, (visit, status) => this.writeAudit(exchange, model, visit, status));
    switch (need) {
      case 'nothing':
        return route.scope === 'open' ? undefined : this.admitAnybody(exchange);
      case 'to-see-little':
        exchange.caller = new Visit(false);
        return undefined;
      case 'to-be-here':
        return this.admitLocal(exchange, call);
      case 'credential':
        return this.admitKnown(exchange, call);
    }
  }

  allows(exchange: Exchange, scope: RouteScope): boolean {
    const need = this.needOf(scope);
    if (need === 'nothing' || need === 'to-see-little') return true;
    const { caller } = exchange;
    const identity = caller instanceof Visit ? caller.identity : undefined;
    if (identity !== undefined) return allowsSome(identity.grants, scope);
    return need === 'to-be-here' && this.refusalOfLocal(exchange.req) === undefined;
  }

  private checkHost(host: string | undefined): void {
    if (host?.includes(TWICE)) throw new DomainError('invalid_request', 'The request has two Host headers.');
    if (!this.checksHost || !this.rule.isMisdirected(host)) return;
    throw new DomainError(
      'misdirected_request',
      `This server listens on a loopback address and answers to the names of its machine, not to "${host?.slice(0, 100)}"; ALLOWED_HOSTS can add names.`,
    );
  }

  /** A change where nobody has keys. Whoever has a token all the same may use it. */
  private admitLocal(exchange: Exchange, call: RoutedCall): Promise<void> | undefined {
    const { req } = exchange;
    if (this.hasKeys || (this.access.directory.takesTokens && hasCredential(req)))
      return this.admitKnown(exchange, call);
    const reason = this.refusalOfLocal(req);
    if (reason !== undefined) throw new DomainError('forbidden', notFromHere(reason));
    return this.admitAnybody(exchange);
  }

  /** What keeps a request without a key from changing anything; undefined: nothing does. */
  private refusalOfLocal({ headers, socket: { remoteAddress } }: IncomingMessage): string | undefined {
    const { host, origin } = headers;
    const forwarded = PROXY_HEADERS.some((name) => headers[name] !== undefined);
    return this.rule.refusal({ host, origin, remoteAddress, forwarded });
  }

  private admitAnybody(exchange: Exchange): Promise<void> | undefined {
    return this.count(exchange, addressName(exchange.address), this.limits);
  }

  private admitKnown(exchange: Exchange, call: RoutedCall): Promise<void> | undefined {
    const identity = this.authentication.identify(exchange.req, exchange.address);
    if (!(identity instanceof Promise)) return this.enter(exchange, call, identity);
    return identity.then((known) => this.enter(exchange, call, known));
  }

  private enter(
    exchange: Exchange,
    { route, model }: RoutedCall,
    identity: Identity,
  ): Promise<void> | undefined {
    const visit = (exchange.caller ??= new Visit(true));
    if (visit instanceof Visit) {
      visit.identity = identity;
      if (this.metricsByCaller) visit.tally = this.recorder.caller(identity.name);
    }
    requireScope(identity.grants, route.scope, model);
    // A browser shows a certificate by itself, whichever page asks; a key it does not have.
    if (exchange.changes && !hasCredential(exchange.req) && this.isForeign(exchange.req))
      throw new DomainError(
        'forbidden',
        'A page of another origin changes nothing here, unless CORS_ORIGINS names it.',
      );
    return this.count(exchange, identity.name, identity.limits);
  }

  private isForeign({ headers: { host, origin } }: IncomingMessage): boolean {
    return this.rule.isForeign({ host, origin });
  }

  /** Has the request count against the limits of its caller, if there are any. */
  private count(exchange: Exchange, name: string, limits: Limits): Promise<void> | undefined {
    const state = this.access.stateOf(name, limits);
    if (state === undefined) return undefined;
    const visit = (exchange.caller ??= new Visit(true));
    if (visit instanceof Visit) visit.state = state;
    return state.begin();
  }

  /** Says in a log of its own who changed what, or tried to. */
  private writeAudit(
    { requestId, req, path, model, address }: Exchange,
    target: string,
    { identity }: Visit,
    status: number,
  ): void {
    const caller = identity?.name ?? 'nobody';
    const call = `${req.method} ${path}`;
    const outcome = outcomeOf(status);
    const msg = `${call} by ${caller}: ${outcome}`;
    this.log.audit.audit({ msg, requestId, caller, address, call, target: target || model, status, outcome });
  }
}

/** Calls that change the server for everybody, and those that make credentials. */
function isAudited({ scope }: Route): boolean {
  return scope.endsWith(':write') || scope === 'known';
}

function notFromHere(reason: string): string {
  return (
    `This call changes the server for everybody. Without a key it may be made from the server's own machine alone, and ${reason}. ` +
    'Three ways out: make it there (in a container: docker exec), set ADMIN_KEY or AUTH_KEYS_FILE and send the key, ' +
    'or set AUTH=off where nobody but you can reach the port.'
  );
}
