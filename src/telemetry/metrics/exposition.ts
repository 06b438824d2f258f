import { createRequire } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as PromClient from 'prom-client';
import type { MetricFamily } from './metric-families';
import type { Sample } from './sample';
import { type BuildInfo, samplesOf } from './samples';
import type { ServerSnapshot } from './server-snapshot';

/** Lines that are written in one turn of the event loop, for whoever renders them has other work too. */
const LINES_A_TURN = 500;

// Loaded when it is first asked for: the package takes a process's start a fortieth of a second.
const requireHere = createRequire(__filename);

/** The figures of a server in Prometheus' text format 0.0.4. */
export async function renderPrometheus(server: ServerSnapshot, build: BuildInfo): Promise<string> {
  const texts: string[] = [];
  for (const [family, samples] of samplesOf(server, build)) {
    for (let i = 0; i === 0 || i < samples.length; i += LINES_A_TURN) {
      const text = await render(family, samples.slice(i, i + LINES_A_TURN));
      texts.push(i === 0 ? text : withoutHeader(text));
      await nextTurn();
    }
  }
  return texts.join('');
}

/** prom-client's histograms cannot be given filled buckets; its merging of other processes' metrics can. */
function render({ name, help, type }: MetricFamily, values: readonly Sample[]): Promise<string> {
  const { AggregatorRegistry } = requireHere('prom-client') as typeof PromClient;
  return AggregatorRegistry.aggregate([[{ name, help, type, values, aggregator: 'first' }]]).metrics();
}

/** Without HELP and TYPE, which a family has once. */
function withoutHeader(text: string): string {
  return text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
}
