/** How long a turn of the event loop may go on with requests before the others wait for the next one. */
const TURN_MS = 4;

/**
 * Keeps the event loop's turns short when very many requests arrive in one of them: those beyond its time are only
 * read, and worked on turn by turn, in the order in which they came. Probes, which never wait here, and connections
 * that are being opened then find their own turn soon, however many requests are in hand.
 */
export class EventLoopYield {
  private readonly waiting: (() => void)[] = [];
  /** Is the end of the present turn being looked for? */
  private counting = false;
  // No whole number, which V8 keeps in another form: its hidden class would change with the first turn.
  private untilMs = -Infinity;

  /** Undefined when there is time left in this turn; else resolves in a later one. */
  wait(): Promise<void> | undefined {
    if (this.waiting.length === 0 && this.hasTime()) return undefined;
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private hasTime(): boolean {
    const nowMs = performance.now();
    if (this.counting) return nowMs < this.untilMs;
    this.counting = true;
    this.untilMs = nowMs + TURN_MS;
    setImmediate(this.onTurnRead);
    return true;
  }

  /** All that was readable in this turn has been read. */
  private readonly onTurnRead = (): void => {
    this.counting = this.waiting.length > 0;
    if (!this.counting) return;
    this.untilMs = performance.now() + TURN_MS;
    this.next();
  };

  /** As a microtask of its own, it comes after what the one before it let go on. */
  private readonly next = (): void => {
    if (performance.now() >= this.untilMs) {
      setImmediate(this.onTurnRead);
      return;
    }
    this.waiting.shift()?.();
    if (this.waiting.length === 0) setImmediate(this.onTurnRead);
    else queueMicrotask(this.next);
  };
}
