import { storage } from 'nestjs-pino/storage';

let open = 0;

/**
 * nestjs-pino finds a line's request by an AsyncLocalStorage, and while one is in use Node 20 follows every
 * promise of the process, those of the requests that pass by Express included. So it is in use only while
 * Express has a request in hand.
 */
export function enterRequestContext(): void {
  open++;
}

export function leaveRequestContext(): void {
  open--;
  if (open === 0) storage.disable();
}
