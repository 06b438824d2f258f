/** Of a new call: five of them pay for one retry. */
const SHARE = 0.2;

/**
 * How many calls may be made again: a reserve for a sudden loss, refilled by a share of the new calls. So when all
 * remotes are in trouble their load grows by that share, not by the number of retries that each call may have.
 */
export class RetryBudget {
  private left: number;

  /** @param reserve retries that may be made at once, when nothing failed for a while */
  constructor(private readonly reserve: number) {
    this.left = reserve;
  }

  earn(): void {
    this.left = Math.min(this.left + SHARE, this.reserve);
  }

  /** Is there one left? Then it is taken. */
  spend(): boolean {
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
