import { Global, Module } from '@nestjs/common';
import { EventLogger } from '../logging/event-logger';
import {
  type AppConfig,
  appConfig,
  type HttpConfig,
  httpConfig,
  type TracingConfig,
  tracingConfig,
} from '../../config/config.slices';
import { reasonOf } from '../../errors/domain-error';
import { FAMILIES } from '../metrics/metric-families';
import { Recorder } from '../metrics/recorder';
import { Sampler } from './sampler';
import { SpanQueue } from './span-queue';
import { type Tracer, Tracing } from './tracing';

/** For the last spans, when the process stops. */
const CLOSE_MS = 2000;

/** Global: requests come in at the front door, and their runs end far behind it. */
@Global()
@Module({
  providers: [
    {
      provide: Tracing,
      inject: [tracingConfig.KEY, appConfig.KEY, httpConfig.KEY, Recorder],
      useFactory: async (config: TracingConfig, app: AppConfig, http: HttpConfig, recorder: Recorder) =>
        new Tracing(await openTracer(config, app, recorder), Math.min(CLOSE_MS, http.shutdownTimeoutMs)),
    },
  ],
  exports: [Tracing],
})
export class TracingModule {}

async function openTracer(
  { endpoint, ...config }: TracingConfig,
  { version }: AppConfig,
  { server }: Recorder,
): Promise<Tracer | undefined> {
  if (endpoint === undefined) return undefined;
  const logger = new EventLogger('Tracing');
  // Half a second of a start that only those pay who want it.
  const { otlpExporter } = await import('./otlp-exporter.js');
  const spans = new SpanQueue(otlpExporter({ ...config, endpoint }, version), {
    dropped: (count) => server.add(FAMILIES.traceSpansDropped.at, count),
    exportFailed: (reason, isFirst) => {
      server.add(FAMILIES.traceExportFailures.at);
      // What a collector answers may be anything.
      if (isFirst)
        logger.warn({ msg: 'the collector takes no spans', reason: reasonOf(reason).slice(0, 200) });
    },
    recovered: () => logger.info({ msg: 'the collector takes spans again' }),
  });
  return { sampler: new Sampler(config), spans };
}
