import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { DomainError, ERRORS } from 'nestor';

/** What a model does not take is the client's mistake, and the message says what was expected. */
@Catch(DomainError)
export class ModelErrorFilter implements ExceptionFilter<DomainError> {
  catch({ code, message }: DomainError, host: ArgumentsHost): void {
    const res = host.switchToHttp().getResponse<ServerResponse>();
    res.statusCode = ERRORS[code].status;
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ code, message }));
  }
}
