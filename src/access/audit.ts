import { Injectable } from '@nestjs/common';
import type { Exchange } from '../http/exchange';
import type { Route } from '../http/route-table';
import { ProcessLog } from '../telemetry/logging/process-log';
import { outcomeOf, type Visit } from './visit';

/** Says in a log of its own who changed what, or tried to. */
@Injectable()
export class Audit {
  constructor(private readonly log: ProcessLog) {}

  /** Calls that change the server for everybody, and those that make credentials. */
  concerns({ scope }: Route): boolean {
    return scope.endsWith(':write') || scope === 'known';
  }

  call(
    { requestId, req, path, model, address }: Exchange,
    target: string,
    { identity }: Visit,
    status: number,
  ): void {
    const outcome = outcomeOf(status);
    this.log.audit.audit(
      {
        requestId,
        caller: identity?.name ?? 'nobody',
        address,
        call: `${req.method} ${path}`,
        target: target || model,
        status,
        outcome,
      },
      `${req.method} ${path} by ${identity?.name ?? 'nobody'}: ${outcome}`,
    );
  }
}
