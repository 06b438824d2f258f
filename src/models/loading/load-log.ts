/** Lines of their own in a second; of more there is a sum. */
const OWN_LINES = 10;
const SECOND_MS = 1000;

/** Says which models are loaded: each by a line of its own, and where they come and go by the hundred once a second. */
export class LoadLog {
  private lines = 0;
  private more = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly log: (fields: object, message: string) => void) {}

  loaded(about: object): void {
    this.timer ??= setTimeout(() => this.sum(), SECOND_MS).unref();
    if (this.lines++ < OWN_LINES) this.log(about, 'model loaded');
    else this.more++;
  }

  private sum(): void {
    if (this.more > 0) this.log({ models: this.more }, 'more models loaded');
    this.timer = undefined;
    this.lines = 0;
    this.more = 0;
  }
}
