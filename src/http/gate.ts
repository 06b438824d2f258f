import type { Exchange } from './exchange';
import type { RoutedCall, RouteScope } from './route-table';

/** Decides which requests may come in. One gate stands before everything that the route table has, and what it has not. */
export interface Gate {
  /**
   * Lets a request in, and says on the exchange who its caller is.
   * @param call undefined: there is none, but whom the request is for counts all the same
   * @throws its refusal, also by rejecting
   */
  admit(exchange: Exchange, call: RoutedCall | undefined): Promise<void> | undefined;
  /** Would the caller of an exchange that came in be let in to calls of this scope, too, of one model at least? */
  allows(exchange: Exchange, scope: RouteScope): boolean;
}
