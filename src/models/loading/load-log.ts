import type { LogEvent } from '../../telemetry/logging/log-line';

/** Lines of their own in a second; of more there is a sum. */
const OWN_LINES = 10;
/** The same where something is wrong, which is better said in full. */
export const FAULT_LINES = 50;
const SECOND_MS = 1000;

/** Says what happens to models: each time by a line of its own, and where that is hundreds of times, by a sum once a second. */
export class LoadLog {
  private lines = 0;
  private more = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param sum says the same of several, whose number stands beside it as `models` */
  constructor(
    private readonly message: string,
    private readonly sum: string,
    private readonly log: (event: LogEvent) => void,
    private readonly ownLines = OWN_LINES,
  ) {}

  add(about: object): void {
    this.timer ??= setTimeout(() => this.addUp(), SECOND_MS).unref();
    if (this.lines++ < this.ownLines) this.log({ msg: this.message, ...about });
    else this.more++;
  }

  private addUp(): void {
    if (this.more > 0) this.log({ msg: this.sum, models: this.more });
    this.timer = undefined;
    this.lines = 0;
    this.more = 0;
  }
}
