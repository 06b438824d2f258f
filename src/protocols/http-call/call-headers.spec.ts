import type { Exchange } from '../../http/exchange';
import { exchangeOf } from '../../http/testing/exchange-of';
import { deadlineOf } from './call-headers';

const exchange = (timeoutMs?: string): Exchange => exchangeOf({ 'x-request-timeout-ms': timeoutMs }, 1000);

describe('the deadline of a call', () => {
  it('counts from its arrival, by the setting or by its own header', () => {
    expect(deadlineOf(exchange(), 30_000)).toBe(31_000);
    expect(deadlineOf(exchange('250'), 30_000)).toBe(1250);
    expect(deadlineOf(exchange('86400000'), 30_000)).toBe(86_401_000);
  });

  it.each(['', '0', '-1', '1.5', '1e3', '86400001', '99999999999', 'soon', '5, 6'])('is not %j', (text) => {
    expect(() => deadlineOf(exchange(text), 30_000)).toThrow(
      expect.objectContaining({ code: 'invalid_request' }) as Error,
    );
  });
});
