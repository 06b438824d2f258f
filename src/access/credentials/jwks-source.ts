import { reasonOf } from '../../errors/domain-error';
import type { RemoteKeys } from './jwt';
import { MAX_JWKS_BYTES, type PublicJwk, readJwks } from './jwt-keys';

export interface JwksSourceOptions {
  readonly url: string;
  /** How often the keys are fetched anew. */
  readonly refreshMs: number;
  /** How long they stay good while they cannot be fetched. */
  readonly maxStaleMs: number;
  /** For a whole answer. */
  readonly timeoutMs: number;
  /** Between two fetches: tokens with made-up key names are not to hammer on the issuer. */
  readonly gapMs: number;
  onKeys(keys: RemoteKeys): void;
  /** @param failures in a row */
  onFailure(reason: string, failures: number): void;
}

/**
 * The public keys that an issuer of tokens hands out, fetched again and again. One fetch at a time, and none right after
 * another: whoever asks meanwhile gets the next one, so that a key that has just been changed is found and not refused.
 */
export class JwksSource {
  private keys: readonly PublicJwk[] | undefined;
  private failures = 0;
  private lastEndMs = -Infinity;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private stopped = false;

  constructor(private readonly options: JwksSourceOptions) {}

  /** Resolves when the issuer has been asked once; a failure is told and tried again. */
  start(): Promise<void> {
    return this.refresh();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Resolves after a fetch that began later than now, successful or not. */
  refresh(): Promise<void> {
    if (this.next !== undefined) return this.next;
    this.next = this.afterGap().then(() => {
      this.next = undefined;
      this.running = this.fetchOnce();
      return this.running;
    });
    return this.next;
  }

  private async afterGap(): Promise<void> {
    await this.running;
    const waitMs = this.lastEndMs + this.options.gapMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  private async fetchOnce(): Promise<void> {
    clearTimeout(this.timer);
    const { refreshMs, maxStaleMs, gapMs } = this.options;
    try {
      this.keys = readJwks(await this.text());
      this.failures = 0;
      this.options.onKeys({ keys: this.keys, goodUntilMs: Date.now() + maxStaleMs });
    } catch (error) {
      this.failures++;
      this.options.onFailure(reasonOf(error), this.failures);
    }
    this.lastEndMs = performance.now();
    if (this.stopped) return;
    const retryMs = this.failures === 0 ? refreshMs : Math.min(refreshMs, gapMs * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => void this.refresh(), retryMs);
  }

  private async text(): Promise<string> {
    const { url, timeoutMs } = this.options;
    const response = await fetch(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      // Keys from wherever an address may lead are nobody's.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += piece.length;
      if (bytes > MAX_JWKS_BYTES) throw new Error(`is larger than ${MAX_JWKS_BYTES} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
  }
}
