import { Inject, Injectable } from '@nestjs/common';
import { type HttpConfig, httpConfig } from '../../config/config.slices';
import { DomainError } from '../../errors/domain-error';

/** What is not larger is not counted: there may be many, but they take little. */
const SMALL_BYTES = 256 * 1024;

/** Bounds the memory that large request bodies, and large answers until they have gone, hold at one time. */
@Injectable()
export class InFlightBytes {
  private held = 0;

  constructor(@Inject(httpConfig.KEY) private readonly http: HttpConfig) {}

  /**
   * Takes into account that what held `beforeBytes` of the budget is to hold `sizeBytes` in memory.
   * @returns what it holds of the budget now, to be given back in the end; nothing for a small one
   * @throws overloaded when there is no room for it now
   */
  raise(beforeBytes: number, sizeBytes: number): number {
    if (sizeBytes <= SMALL_BYTES || sizeBytes <= beforeBytes) return beforeBytes;
    const others = this.held - beforeBytes;
    // One body always has room, however small the budget.
    if (others > 0 && others + sizeBytes > this.http.largeBodyMemoryBytes) {
      throw new DomainError(
        'overloaded',
        `Large request bodies and answers hold all the memory that they may (LARGE_BODY_MEMORY, ${this.http.largeBodyMemoryBytes} bytes).`,
        { retryAfterSeconds: 1 },
      );
    }
    this.held = others + sizeBytes;
    return sizeBytes;
  }

  /**
   * The same where what was held is not needed any more once there is the next thing.
   * @throws overloaded when there is no room for it now
   */
  replace(beforeBytes: number, sizeBytes: number): number {
    if (sizeBytes > beforeBytes) return this.raise(beforeBytes, sizeBytes);
    const afterBytes = sizeBytes <= SMALL_BYTES ? 0 : sizeBytes;
    this.give(beforeBytes - afterBytes);
    return afterBytes;
  }

  give(sizeBytes: number): void {
    this.held -= sizeBytes;
  }
}
