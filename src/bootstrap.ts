import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import type { Settings } from './config/slices';
import { startQuietly, EventLogger, NestLogger } from './telemetry/logging/event-logger';
import { LocalCoordinator } from './models/rollout/local-coordinator';
import { ModelsService } from './models/models.service';
import { FAMILIES } from './telemetry/metrics/metric-families';
import { Recorder } from './telemetry/metrics/recorder';
import { setUpDocs } from './protocols/openapi/docs';
import { NestorExpressAdapter } from './http/express.adapter';
import { Router } from './http/router';
import { TlsFiles } from './http/tls';
import { answerBrokenRequests } from './http/broken-requests';
import { closeUnread } from './http/unread-answers';
import { serverOptions } from './http/server-options';

/** Builds the application and loads the models; it does not listen yet. */
export async function createApplication(settings: Settings): Promise<INestApplication> {
  const { http } = settings;
  const tls = http.tls && new TlsFiles(http.tls, http.headersTimeoutMs, new EventLogger('TLS'));
  const adapter = new NestorExpressAdapter(serverOptions(http), await tls?.open());
  const app = await NestFactory.create(AppModule.with(settings), adapter, {
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(new NestLogger(app.get(Logger), 'at debug'));
  app.flushLogs();
  tls?.follow(adapter.getHttpServer() as HttpsServer);
  const server = adapter.getHttpServer() as Server;
  answerBrokenRequests(server);
  const { server: figures } = app.get(Recorder);
  closeUnread(server, http.responseTimeoutMs, () => figures.add(FAMILIES.unreadAnswers.at));
  await prepare(app, adapter, settings);
  return app;
}

/** An application inside somebody's own, and how it is handed requests. */
export interface Embedded {
  readonly app: INestApplication;
  readonly handler: (req: IncomingMessage, res: ServerResponse, next?: () => void) => void;
}

/** The same without a port of its own, in a process that is somebody else's: logs go to Nest's logger, as it is there. */
export async function createEmbedded(settings: Settings): Promise<Embedded> {
  const adapter = new NestorExpressAdapter(serverOptions(settings.http), undefined);
  const app = await startQuietly(async () => {
    const app = await NestFactory.create(AppModule.with(settings), adapter, {
      bodyParser: false,
      abortOnError: false,
    });
    await prepare(app, adapter, settings);
    return app;
  });
  await app.get(ModelsService).join();
  app.get(LocalCoordinator).watchFolder();
  return { app, handler: (req, res, next) => adapter.handle(req, res, next) };
}

async function prepare(
  app: INestApplication,
  adapter: NestorExpressAdapter,
  { app: { apiPrefix } }: Settings,
): Promise<void> {
  adapter.open(app.get(Router));
  adapter.disable('x-powered-by');
  adapter.readControlBodies();
  if (apiPrefix !== '')
    app.setGlobalPrefix(apiPrefix, { exclude: ['/', '/v1/{*rest}', '/v2', '/v2/{*rest}', '/metrics'] });
  setUpDocs(app);
  await app.init();
}
