interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Bounds the memory that is held at one time: whoever finds no room waits for those before him. One always has room,
 * however much he wants.
 */
export class ByteGate {
  private held = 0;
  private holders = 0;
  private readonly waiting: Waiting[] = [];

  constructor(private readonly limitBytes: number) {}

  /** Resolves when there is room; `leave` gives it back. */
  enter(bytes: number): Promise<void> {
    if (this.waiting.length === 0 && this.hasRoom(bytes)) {
      this.take(bytes);
      return Promise.resolve();
    }
    return new Promise((enter) => this.waiting.push({ bytes, enter }));
  }

  leave(bytes: number): void {
    this.held -= bytes;
    this.holders--;
    for (let next = this.waiting[0]; next !== undefined && this.hasRoom(next.bytes); next = this.waiting[0]) {
      this.waiting.shift();
      this.take(next.bytes);
      next.enter();
    }
  }

  private hasRoom(bytes: number): boolean {
    return this.holders === 0 || this.held + bytes <= this.limitBytes;
  }

  private take(bytes: number): void {
    this.held += bytes;
    this.holders++;
  }
}
