import type { AccessConfig } from '../config/config.slices';
import { Refusal } from '../http/errors/refusal';
import type { RouteScope } from '../http/route-table';
import type { Grants } from './scopes';

/** What a request needs to be let in. */
export type Need =
  | 'nothing'
  /** Nothing, but who has not proved who it is sees no models. */
  | 'to-see-little'
  /** To come from this machine, where there are no keys; else a credential. */
  | 'to-be-here'
  | 'credential';

const NEEDS = {
  off: (scope) => (scope === 'known' ? 'credential' : 'nothing'),
  changes: (scope) =>
    scope === 'known' ? 'credential' : scope.endsWith(':write') ? 'to-be-here' : 'nothing',
  required: (scope) => (scope === 'open' ? 'to-see-little' : 'credential'),
} as const satisfies Record<string, (scope: RouteScope) => Need>;

/** What the calls of a scope need, by what is set. */
export function needs(config: AccessConfig): (scope: RouteScope) => Need {
  return NEEDS[config.mode === 'auto' ? (hasKeys(config) ? 'required' : 'changes') : config.mode];
}

/** Is there anything by which a caller could be known? `SECRET_KEY` alone is not: settings have it who protect nothing. */
export function hasKeys({ apiKey, adminKey, keysFile, publicKeyFile, jwksUrl }: AccessConfig): boolean {
  return (apiKey ?? adminKey ?? keysFile ?? publicKeyFile ?? jwksUrl) !== undefined;
}

/**
 * @param model that the call is about; empty: none, or all
 * @throws forbidden, by https://www.rfc-editor.org/rfc/rfc6750#section-3.1
 */
export function requireScope(grants: Grants, scope: RouteScope, model: string): void {
  if (allows(grants, scope, model)) return;
  const needed = scope === 'infer' ? `infer:${model}` : scope;
  throw new Refusal(
    'forbidden',
    `This call needs the scope ${needed}, which this credential does not have.`,
    ['www-authenticate', `Bearer realm="nestor", error="insufficient_scope", scope="${needed}"`],
  );
}

/** Do they allow calls of a scope, of one model at least? */
export function allowsSome(grants: Grants, scope: RouteScope): boolean {
  return scope === 'infer' ? grants.maySeeSome : allows(grants, scope, '');
}

function allows(grants: Grants, scope: RouteScope, model: string): boolean {
  switch (scope) {
    case 'open':
    case 'known':
      return true;
    case 'infer':
      // Where the body names the model, it is looked at again then.
      return model === '' ? grants.mayInferSome : grants.mayInfer(model);
    case 'models:read':
      return model === '' ? grants.maySeeSome : grants.maySee(model);
    case 'models:write':
    case 'cache:write':
    case 'metrics:read':
      return grants.has(scope);
  }
}
