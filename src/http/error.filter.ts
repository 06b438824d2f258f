import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Injectable } from '@nestjs/common';
import type { Request, Response } from 'express';
import { DomainError, type ErrorCode, ERRORS, toDomainError } from '../errors/domain-error';
import { Refusal } from './errors/refusal';
import { pathOf } from './route-table';
import { nothingAt, Router } from './router';

/** The codes for statuses that a framework chose. */
const CODE_OF_STATUS: Partial<Record<number, ErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  405: 'method_not_allowed',
  406: 'not_acceptable',
  408: 'body_timeout',
  409: 'conflict',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'header_fields_too_large',
};

/** Answers whatever is thrown on the way through Express, in the words of the path's protocol. */
@Catch()
@Injectable()
export class ErrorFilter implements ExceptionFilter {
  constructor(private readonly router: Router) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const req = host.switchToHttp().getRequest<Request & { id: string }>();
    const res = host.switchToHttp().getResponse<Response>();
    if (res.headersSent) {
      res.end();
      return;
    }
    const path = pathOf(req.originalUrl);
    if (thrown instanceof HttpException && isHealthReport(thrown)) {
      res.status(thrown.getStatus()).json(thrown.getResponse());
      return;
    }
    const error = asDomainError(thrown, req.method, path);
    const headers = error instanceof Refusal ? error.headers : [];
    for (let i = 0; i < headers.length; i += 2) res.setHeader(headers[i] ?? '', headers[i + 1] ?? '');
    if (error.retryAfterSeconds !== undefined) res.setHeader('retry-after', String(error.retryAfterSeconds));
    this.router.failedInExpress(res, error);
    this.router.report({ requestId: req.id, path, model: undefined }, error);
    res.status(ERRORS[error.code].status).json(this.router.errorBodyFor(path)(error, req.id));
  }
}

/** Terminus answers a failed check with a body of its own, which probes read. */
function isHealthReport(exception: HttpException): boolean {
  const body = exception.getResponse();
  return typeof body === 'object' && 'status' in body && 'details' in body;
}

function asDomainError(thrown: unknown, method: string, path: string): DomainError {
  if (thrown instanceof DomainError) return thrown;
  const status = statusOf(thrown);
  if (status === undefined || status >= 500) return toDomainError(thrown);
  if (status === 404) return nothingAt(method, path);
  return new DomainError(
    CODE_OF_STATUS[status] ?? 'invalid_request',
    thrown instanceof Error ? thrown.message : 'Bad request.',
  );
}

/**
 * The status in an exception of Nest, or in an error of Express' body parser, which calls everything the client's mistake
 * that happens while it reads: also a file that the system would not open.
 */
function statusOf(thrown: unknown): number | undefined {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'syscall' in thrown) return undefined;
  if (thrown instanceof Error && 'status' in thrown && typeof thrown.status === 'number')
    return thrown.status;
  return undefined;
}
