import { setImmediate as nextTurn } from 'node:timers/promises';
import { AggregatorRegistry } from 'prom-client';
import { type BuildInfo, samplesOf } from './samples';
import type { ServerSnapshot } from './server-snapshot';

/**
 * The figures of a server in Prometheus' text format 0.0.4. Whoever renders them has other work too, so each
 * family is a turn of the event loop.
 */
export async function renderPrometheus(server: ServerSnapshot, build: BuildInfo): Promise<string> {
  const texts: string[] = [];
  for (const [{ name, help, type }, values] of samplesOf(server, build)) {
    // prom-client's histograms cannot be given filled buckets; its merging of other processes' metrics can.
    const registry = AggregatorRegistry.aggregate([[{ name, help, type, values, aggregator: 'first' }]]);
    texts.push(await registry.metrics());
    await nextTurn();
  }
  return texts.join('\n');
}
