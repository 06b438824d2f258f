import type { IncomingMessage } from 'node:http';
import { Global, Module, RequestMethod } from '@nestjs/common';
import { LoggerModule, type Params } from 'nestjs-pino';
import {
  type ClusterConfig,
  clusterConfig,
  loggingConfig,
  type LoggingConfig,
} from '../../config/config.slices';
import { workerNumber } from '../../config/worker-number';
import { hasPrimary } from '../../process/ipc/has-primary';
import { AccessLog } from './access-log';
import { openLocalLog, openWorkerLog, ProcessLog } from './process-log';
import { requestIdFrom } from './request-id';

/** The log of this process, as a worker writes it or as the only process does. */
@Global()
@Module({
  providers: [
    {
      provide: ProcessLog,
      inject: [loggingConfig.KEY, clusterConfig.KEY],
      useFactory: (logging: LoggingConfig, config: ClusterConfig) =>
        hasPrimary(config) ? openWorkerLog(logging, workerNumber()) : openLocalLog(logging),
    },
    { provide: AccessLog, inject: [ProcessLog], useFactory: (log: ProcessLog) => log.access },
  ],
  exports: [ProcessLog, AccessLog],
})
export class ProcessLogModule {}

/**
 * nestjs-pino over the log of this process. Each line that is logged while Express handles a request
 * carries its id. The front door writes the access line, so pino-http writes none, and its logger of
 * a request holds the id alone: serialised headers would be a kilobyte a request, with secrets in it.
 */
@Module({
  imports: [
    ProcessLogModule,
    LoggerModule.forRootAsync({
      inject: [ProcessLog],
      useFactory: ({ logger }: ProcessLog): Params => ({
        pinoHttp: {
          logger,
          autoLogging: false,
          quietReqLogger: true,
          quietResLogger: true,
          wrapSerializers: false,
          serializers: { req: () => undefined },
          customAttributeKeys: { reqId: 'requestId' },
          genReqId: (request: IncomingMessage) => requestIdFrom(request.headers['x-request-id']),
        },
        forRoutes: [{ path: '{*path}', method: RequestMethod.ALL }],
      }),
    }),
  ],
})
export class LoggingModule {}
