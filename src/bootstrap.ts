import type { Server as HttpsServer } from 'node:https';
import { type INestApplication, Logger as NestLog } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module';
import type { Settings } from './config/slices';
import { NestLogger } from './telemetry/logging/nest-logger';
import { setUpDocs } from './protocols/openapi/docs';
import { Router } from './http/router';
import { NestorExpressAdapter } from './http/express.adapter';
import { TlsFiles } from './http/tls';
import { serverOptions, answerBrokenRequests } from './http/server-options';

/** Bodies of the calls that pass through Express are small settings, never tensors. */
const CONTROL_BODY_LIMIT = '256kb';

/** Builds the application and loads the models; it does not listen yet. */
export async function createApplication(settings: Settings): Promise<INestApplication> {
  const { http } = settings;
  const tls = http.tls && new TlsFiles(http.tls, http.headersTimeoutMs, log);
  const adapter = new NestorExpressAdapter(serverOptions(http), await tls?.open());
  const app = await NestFactory.create(AppModule.with(settings), adapter, {
    bufferLogs: true,
    bodyParser: false,
  });
  app.useLogger(new NestLogger(app.get(Logger)));
  app.flushLogs();
  const router = app.get(Router);
  adapter.open(router);
  adapter.disable('x-powered-by');
  adapter.useBodyParser('json', false, { limit: CONTROL_BODY_LIMIT });
  tls?.follow(adapter.getHttpServer() as HttpsServer);
  answerBrokenRequests(adapter.getHttpServer(), (socket) => router.errorBodyOn(socket));
  const { apiPrefix } = settings.app;
  if (apiPrefix !== '') app.setGlobalPrefix(apiPrefix, { exclude: ['/', '/v1/{*rest}', '/v2', '/v2/{*rest}', '/metrics'] });
  setUpDocs(app);
  await app.init();
  return app;
}

function log(level: 'info' | 'error', fields: object, msg: string): void {
  new NestLog('TLS')[level === 'info' ? 'log' : 'error']({ msg, ...fields });
}
