const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 1_048_576;

/**
 * Makes whole lines of the chunks in which a pipe delivers them. One for each pipe, so that a line of
 * one process never mixes with another's.
 */
export class LineAssembler {
  private carried: Buffer[] = [];
  private carriedBytes = 0;
  /** The rest of a line that was too long is skipped. */
  private skipping = false;

  /**
   * @param onLines gets a run of whole lines, each ending with its newline
   * @param onFragment gets the head of a line that has no end: its writer died, or it is too long
   */
  constructor(
    private readonly onLines: (lines: Buffer) => void,
    private readonly onFragment: (fragment: Buffer) => void,
    private readonly maxLineBytes = MAX_LINE_BYTES,
  ) {}

  push(chunk: Buffer): void {
    if (this.skipping) {
      const lineEnd = chunk.indexOf(NEWLINE);
      if (lineEnd === -1) return;
      this.skipping = false;
      chunk = chunk.subarray(lineEnd + 1);
    }
    const cut = chunk.lastIndexOf(NEWLINE) + 1;
    if (cut > 0) this.onLines(this.takeCarried(chunk.subarray(0, cut)));
    if (cut === chunk.length) return;
    this.carried.push(chunk.subarray(cut));
    this.carriedBytes += chunk.length - cut;
    if (this.carriedBytes > this.maxLineBytes) {
      this.onFragment(this.takeCarried());
      this.skipping = true;
    }
  }

  /** The pipe has ended. */
  end(): void {
    if (this.carriedBytes > 0) this.onFragment(this.takeCarried());
  }

  private takeCarried(...last: Buffer[]): Buffer {
    const [first, ...others] = [...this.carried, ...last];
    this.carried = [];
    this.carriedBytes = 0;
    if (first !== undefined && others.length === 0) return first;
    return Buffer.concat(first === undefined ? [] : [first, ...others]);
  }
}
