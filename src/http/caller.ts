import type { IncomingMessage } from 'node:http';

/** Who sends a request, and what is left to it to ask for. */
export interface Caller {
  /** For logs and limits; undefined: nobody that is known. */
  readonly name: string | undefined;
  /** Of one request, also after decompression; `Infinity`: as everybody's. */
  readonly maxBodyBytes: number;
  maySee(model: string): boolean;
  /**
   * For calls whose body names the model, which nobody knew when they were let in.
   * @throws forbidden where it may not run this model
   */
  requireInfer(model: string): void;
  /**
   * Counts the rows of a request before they run.
   * @throws rate_limited, also by rejecting
   */
  spendRows(rows: number): Promise<void> | undefined;
  /** Called once, when the request is answered. */
  end(status: number): void;
}

type CalledBy = IncomingMessage & { caller?: Caller };

/** Who sends a request that has gone on to Express; undefined: it does not matter here. */
export function callerOf(req: IncomingMessage): Caller | undefined {
  return (req as CalledBy).caller;
}

/** Is a model to be in a list that the sender of this request gets? */
export function maySee(req: IncomingMessage, model: string): boolean {
  return callerOf(req)?.maySee(model) ?? true;
}

export function setCallerOf(req: IncomingMessage, caller: Caller): void {
  (req as CalledBy).caller = caller;
}
