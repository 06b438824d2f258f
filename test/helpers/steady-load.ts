import type { TestServer } from './server';

const EVERY_MS = 5;

/** Requests at a steady rate that are never sent again, each of which must be answered with 200, and right. */
export class SteadyLoad {
  private readonly pending = new Set<Promise<void>>();
  private readonly failed: string[] = [];
  private readonly timer: NodeJS.Timeout;
  private count = 0;
  private waiting: { count: number; resolve: () => void } | undefined;

  constructor(
    server: TestServer,
    path: string,
    body: unknown,
    isRight: (answer: Record<string, unknown>) => boolean = () => true,
  ) {
    this.timer = setInterval(() => {
      const request = server
        .post(path, body)
        .then(
          ({ status, body: answer }) => {
            if (status !== 200 || !isRight(answer)) this.failed.push(`${status} ${JSON.stringify(answer)}`);
          },
          (error: unknown) => void this.failed.push(String(error)),
        )
        .finally(() => {
          this.pending.delete(request);
          this.count++;
          if (this.waiting !== undefined && this.count >= this.waiting.count) this.waiting.resolve();
        });
      this.pending.add(request);
    }, EVERY_MS);
  }

  /** Resolves when so many more requests were answered. */
  answered(count: number): Promise<void> {
    return new Promise((resolve) => (this.waiting = { count: this.count + count, resolve }));
  }

  async stop(): Promise<{ failed: string[] }> {
    clearInterval(this.timer);
    await Promise.all(this.pending);
    return { failed: this.failed };
  }
}
