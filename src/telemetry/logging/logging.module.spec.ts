import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse, Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, type INestApplication, Logger as NestLogger, Module } from '@nestjs/common';
import { ConfigModule, registerAs } from '@nestjs/config';
import { Test } from '@nestjs/testing';
import { Logger } from 'nestjs-pino';
import request from 'supertest';
import type { LoggingConfig } from '../../config/slices';
import { AccessLog } from './access-log';
import { LogSink } from './log-sink';
import { LoggingModule } from './logging.module';
import { openLocalLog, ProcessLog } from './process-log';

const logging: LoggingConfig = {
  level: 'info',
  format: 'json',
  fileMaxBytes: 1_048_576,
  filesKept: 5,
  access: true,
  slowRequestMs: 1000,
  service: 'scores',
};

@Controller()
class SpeakingController {
  private readonly logger = new NestLogger('Speaking');

  @Get('/speak')
  async speak(): Promise<string> {
    await Promise.resolve();
    this.logger.log('spoken');
    return 'done';
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({
      isGlobal: true,
      ignoreEnvFile: true,
      load: [registerAs('logging', () => logging), registerAs('cluster', () => ({ workers: 0 }))],
    }),
    LoggingModule,
  ],
  controllers: [SpeakingController],
})
class SpeakingModule {}

describe('LoggingModule', () => {
  let dir: string;
  let app: INestApplication<Server>;
  let log: ProcessLog;

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'nestor-module-'));
    log = openLocalLog(logging, new LogSink(logging, { stdoutFd: openSync(join(dir, 'stdout'), 'a') }));
    const testing = await Test.createTestingModule({ imports: [SpeakingModule] })
      .overrideProvider(ProcessLog)
      .useValue(log)
      .compile();
    app = testing.createNestApplication({ bufferLogs: true });
    app.useLogger(app.get(Logger));
    app.use((req: IncomingMessage, _: ServerResponse, next: () => void) => {
      if (req.headers['x-front-door'] !== undefined) req.id = 'from-the-front-door';
      next();
    });
    await app.init();
  });

  afterAll(async () => {
    await app.close();
    await log.close();
    rmSync(dir, { recursive: true });
  });

  const lines = () =>
    readFileSync(join(dir, 'stdout'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const spoken = () => lines().filter((line) => line['msg'] === 'spoken');

  it("sends Nest's own lines the same way", () => {
    expect(lines()).toContainEqual(expect.objectContaining({ context: 'NestApplication', pid: process.pid }));
    expect(lines().every((line) => ['debug', 'info'].includes(line['level'] as string))).toBe(true);
  });

  it('binds the id that the front door gave to each line of a request, and nothing else of it', async () => {
    await request(app.getHttpServer())
      .get('/speak?token=hunter2')
      .set('x-front-door', '1')
      .set('cookie', 'hunter2');
    expect(spoken().at(-1)).toEqual({
      level: 'info',
      time: expect.any(String) as string,
      service: 'scores',
      pid: process.pid,
      requestId: 'from-the-front-door',
      context: 'Speaking',
      msg: 'spoken',
    });
  });

  it('finds an id of its own where there is no front door', async () => {
    await request(app.getHttpServer()).get('/speak').set('x-request-id', 'incoming');
    expect(spoken().at(-1)).toMatchObject({ requestId: 'incoming' });
    await request(app.getHttpServer()).get('/speak').set('x-request-id', 'not sane');
    expect(spoken().at(-1)?.['requestId']).toMatch(/^[\w.:-]+$/);
  });

  it('writes no line for a request by itself, and hands out the access log', () => {
    expect(lines().some((line) => 'req' in line || 'responseTime' in line)).toBe(false);
    expect(app.get(AccessLog)).toBe(log.access);
  });
});
