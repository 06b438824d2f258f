import type { IncomingMessage } from 'node:http';
import type { AccessConfig } from '../config/config.slices';
import { DomainError } from '../errors/domain-error';
import type { RouteScope } from '../http/route-table';
import { Authentication } from './authentication';
import { needs, requireScope } from './authorization';
import type { CallerDirectory } from './caller-directory';

/** Why a request to the management port is refused; undefined: it is not. */
export function managementGate(
  config: AccessConfig,
  { credentials }: CallerDirectory,
): (req: IncomingMessage, scope: RouteScope) => Promise<DomainError | undefined> {
  const needOf = needs(config);
  const authentication = new Authentication(credentials, config);
  return async (req, scope) => {
    if (needOf(scope) !== 'credential') return undefined;
    try {
      const { grants } = await authentication.identify(req);
      requireScope(grants, scope, '');
      return undefined;
    } catch (error) {
      if (error instanceof DomainError) return error;
      throw error;
    }
  };
}
