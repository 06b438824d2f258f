import { Exchange } from '../exchange';

/** An exchange of which there are the headers alone, and when it came. */
export function exchangeOf(headers: Record<string, string | undefined>, startedAt = 0): Exchange {
  return Object.assign(Object.create(Exchange.prototype) as Exchange, { req: { headers }, startedAt });
}
