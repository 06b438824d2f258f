import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type DynamicModule,
  type ExceptionFilter,
  Get,
  type INestApplication,
  Logger,
  type LoggerService,
  Module,
  Post,
  ValidationPipe,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import express from 'express';
import type * as Package from '../src/index';
import { temporaryFolder } from './helpers/model-folder';
import { SENTENCE_FILES, smallTextModel, WIDTH, writeTextFolder } from './helpers/text-models';

const { ConfigurationError, createNestor, InjectModel, Nestor, NestorModule } =
  jest.requireActual<typeof Package>('../dist/index.js');

const MODELS = join(__dirname, '..', 'models');
const IRIS = [[5.1, 3.5, 1.4, 0.2]];

let servers: Server[] = [];
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers = [];
});

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function post(url: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('createNestor', () => {
  const folder = temporaryFolder('texts');
  let nestor: Package.Nestor;
  beforeAll(async () => {
    Logger.overrideLogger(false);
    nestor = await createNestor({ modelDir: MODELS });
  });
  afterAll(() => nestor.close());

  it('infers without HTTP, from nested arrays', async () => {
    const answer = await nestor.infer('iris', { features: IRIS });
    expect(answer).toMatchObject({ model: 'iris', version: '1', outputs: { label: [0] } });
    const again = await nestor.infer('iris', { features: IRIS }, { outputs: ['label'] });
    expect(again.outputs).toEqual({ label: [0] });
    expect((await nestor.infer('iris', { features: IRIS }, { cache: false })).cached).toBe(false);
  });

  it('infers from typed arrays, and answers with such', async () => {
    const features = { data: new Float32Array(IRIS.flat()), shape: [1, 4] };
    const { outputs } = await nestor.infer('iris', { features });
    expect(outputs.label).toEqual({ datatype: 'INT64', shape: [1], data: new BigInt64Array([0n]) });
  });

  it('infers from a picture, or several, by what the model declares', async () => {
    const picture = readFileSync(join(MODELS, 'digits', 'three.png'));
    const three = { label: '3', score: expect.closeTo(0.99998, 4) as number };
    const { outputs } = await nestor.infer('digits', { picture });
    expect(outputs).toEqual({
      digit: [three, { label: '2', score: expect.any(Number) as number }, expect.any(Object) as object],
    });
    const two = { picture: [picture, new Blob([picture])], top_k: 1 };
    expect((await nestor.infer('digits', two)).outputs).toEqual({ digit: [[three], [three]] });
    expect((await nestor.infer('digits', { picture }, { raw: true })).outputs).toEqual({
      probabilities: [expect.any(Array) as number[]],
    });
    expect((await nestor.infer('digits', { picture: { b64: picture.toString('base64') } })).cached).toBe(
      true,
    );
    // What it was given is still the caller's.
    expect(picture.length).toBeGreaterThan(0);
  });

  it('infers from rows and CSV, and gives the outputs that are wanted', async () => {
    const row = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
    const one = await nestor.infer('iris', { flower: row }, { outputs: ['species'] });
    expect(one.outputs).toMatchObject({ species: [{ label: 'setosa' }, {}, {}] });
    const csv = Buffer.from(`${Object.keys(row).join(',')}\n${Object.values(row).join(',')}\n`);
    for (const flower of [[row], csv])
      expect((await nestor.infer('iris', { flower })).outputs).toEqual({ species: [one.outputs.species] });
  });

  it('infers from texts', async () => {
    writeTextFolder(folder, 'sentences', smallTextModel('hidden'), SENTENCE_FILES);
    const texts = await createNestor({ modelDir: folder });
    const { outputs } = await texts.infer('sentences', { text: ['a text', 'another'] });
    const [first, second] = Object.values(outputs)[0] as number[][];
    expect([first?.length, second?.length]).toEqual([WIDTH, WIDTH]);
    const alone = await texts.infer('sentences', { text: Buffer.from('a text') });
    expect(Object.values(alone.outputs)[0]).toEqual(
      first?.map((value) => expect.closeTo(value, 5) as number),
    );
    await texts.close();
  });

  it.each<[string, string, Record<string, unknown>, string]>([
    ['a picture that is none', 'digits', { picture: Buffer.from('x') }, 'invalid_image'],
    ['a number for a picture', 'digits', { picture: 3 }, 'invalid_request'],
    ['an unknown name beside a picture', 'digits', { picture: Buffer.from('x'), image: [] }, 'unknown_input'],
    ['an option out of its range', 'digits', { picture: Buffer.from('x'), top_k: 0 }, 'invalid_request'],
    ['a row without a column', 'iris', { flower: { sepal_length: 1 } }, 'invalid_table'],
    ['an unknown model', 'irsi', { features: IRIS }, 'model_not_found'],
    ['a missing input', 'iris', {}, 'missing_input'],
    ['an unknown input', 'iris', { features: IRIS, more: 1 }, 'unknown_input'],
    ['another shape', 'iris', { features: [[1, 2]] }, 'shape_mismatch'],
    [
      'a tensor of another shape',
      'iris',
      { features: { data: new Float32Array(4), shape: [2, 2] } },
      'shape_mismatch',
    ],
    [
      'too few elements',
      'iris',
      { features: { data: new Float32Array(3), shape: [1, 4] } },
      'shape_mismatch',
    ],
    ['another array', 'iris', { features: { data: new Float64Array(4), shape: [1, 4] } }, 'wrong_datatype'],
    ['text for numbers', 'iris', { features: [['a', 1, 2, 3]] }, 'wrong_datatype'],
  ])('refuses %s by its code', async (_, model, inputs, code) => {
    await expect(nestor.infer(model, inputs)).rejects.toMatchObject({ code });
  });

  it('answers HTTP for any server', async () => {
    const url = await listening(nestor.handler);
    expect(await post(`${url}/inference/iris`, { features: IRIS })).toMatchObject({
      status: 200,
      body: { result: { label: [0] } },
    });
    expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200);
    expect((await fetch(`${url}/nothing`)).status).toBe(404);
  });

  it('stands in Express before its body parser, and lets the rest pass', async () => {
    const app = express();
    app.use('/ml', nestor.handler as express.RequestHandler);
    app.use(express.json());
    app.post('/own', (req, res) => void res.json({ own: req.body as unknown }));
    app.get('/ml/elsewhere', (_, res) => void res.json({ own: true }));
    const url = await listening(app);
    expect((await post(`${url}/ml/inference/iris`, { features: IRIS })).body.result).toMatchObject({
      label: [0],
    });
    expect((await post(`${url}/own`, { a: 1 })).body).toEqual({ own: { a: 1 } });
    expect(await (await fetch(`${url}/ml/elsewhere`)).json()).toEqual({ own: true });
  });

  it('answers, and does not wait, where a parser has read the body before', async () => {
    const app = express();
    app.use(express.json());
    app.use('/ml', nestor.handler as express.RequestHandler);
    const url = await listening(app);
    const answer = await post(`${url}/ml/inference/iris`, { features: IRIS });
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } });
    expect(answer.body.message).toMatch(/before its body parsers/);
  });

  it.each<[string, unknown[], RegExp]>([
    ['a model that is no text', [undefined, { features: IRIS }], /name of a model must be a text/],
    ['inputs that are none', ['iris', null], /inputs must be an object/],
    ['inputs without names', ['iris', IRIS], /inputs must be an object/],
    [
      'an option that there is not',
      ['iris', { features: IRIS }, { timeout: 5 }],
      /no option "timeout"; there are .*timeoutMs/,
    ],
  ])('refuses %s, which types would not let by', async (_, call, message) => {
    const refused = nestor.infer(...(call as Parameters<typeof nestor.infer>));
    await expect(refused).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(refused).rejects.toThrow(message);
  });

  it('leaves others in the process alone, and nothing behind', async () => {
    const before = process.listenerCount('exit');
    const other = await createNestor({ modelDir: MODELS, modelNames: ['digits'], apiPrefix: '/own' });
    expect(other.ready).toBe(true);
    const url = await listening(other.handler);
    expect((await post(`${url}/own/inference/iris`, { features: IRIS })).status).toBe(200);
    await other.close();
    await other.close();
    expect([other.ready, nestor.ready]).toEqual([false, true]);
    expect(process.listenerCount('exit')).toBe(before);
    expect((await nestor.infer('iris', { features: IRIS })).model).toBe('iris');
  });
});

/** Starts an application of this module alone, which is expected to fail. */
async function started(module: DynamicModule): Promise<void> {
  const app = await NestFactory.create(module, { logger: false, abortOnError: false });
  await app.close();
}

describe('options', () => {
  it.each<[string, object, RegExp]>([
    ['of a server', { port: 8000, workers: 4 }, /port is for a server of its own.*\n.*workers/],
    ['that there are not', { modeldir: 'x' }, /modeldir is no option/],
    ['of a wrong type', { bodyLimit: {} }, /bodyLimit must be a text, a number/],
    ['that break a rule', { bodyLimit: '1tb' }, /BODY_LIMIT must be/],
    ['of a folder that is not there', { modelDir: '/none/at/all' }, /folder \/none\/at\/all does not exist/],
  ])('%s are refused by name, in a program and in a module', async (_, options, message) => {
    const refused = createNestor(options);
    await expect(refused).rejects.toBeInstanceOf(ConfigurationError);
    await expect(refused).rejects.toThrow(message);
    await expect(started(NestorModule.forRoot(options))).rejects.toThrow(message);
    const late = NestorModule.forRootAsync({ useFactory: () => options });
    await expect(started(late)).rejects.toThrow(message);
  });

  it.each(['ml', '/ml/', '/m l', 3])('refuses to mount at %j', async (mount) => {
    const module = NestorModule.forRoot({ modelDir: MODELS, mount: mount as string });
    await expect(started(module)).rejects.toThrow(/mount must be a path such as \/ml/);
  });
});

class LoggedHere implements LoggerService {
  readonly lines: string[] = [];
  log = (message: unknown, context?: unknown): void =>
    void this.lines.push(`${String(context)}: ${String(message)}`);
  error = this.log;
  warn = this.log;
}

@Catch()
class OwnFilter implements ExceptionFilter {
  catch(error: Error, host: ArgumentsHost): void {
    const response = host
      .switchToHttp()
      .getResponse<{ status(code: number): { send(body: object): void } }>();
    response.status(418).send({ own: error.message });
  }
}

@Controller('own')
class OwnController {
  constructor(
    private readonly nestor: Package.Nestor,
    private readonly iris: Package.Model,
  ) {}

  @Get()
  async own(): Promise<unknown> {
    const { outputs } = await this.iris.infer({ features: IRIS });
    return {
      label: outputs.label,
      same: (await this.nestor.infer('iris', { features: IRIS })).outputs.label,
    };
  }

  @Post()
  echo(@Body() body: object): object {
    return { echoed: body };
  }

  @Get('fails')
  fails(): never {
    throw new Error('on purpose');
  }
}
// Decorators of the built package, on classes of this file.
Reflect.decorate([], OwnController);
Reflect.defineMetadata('design:paramtypes', [Nestor, Object], OwnController);
InjectModel('iris')(OwnController, undefined, 1);

@Module({
  imports: [NestorModule.forRoot({ modelDir: MODELS, mount: '/ml' }), NestorModule.forModels('iris')],
  controllers: [OwnController],
})
class OwnApplication {}

const STARTS: [string, () => Promise<INestApplication>][] = [
  ['Express', () => NestFactory.create(OwnApplication, { logger: false })],
  [
    'Fastify',
    () => NestFactory.create<NestFastifyApplication>(OwnApplication, new FastifyAdapter(), { logger: false }),
  ],
];

describe.each(STARTS)('a Nest application on %s', (_, start) => {
  let app: INestApplication;
  let url: string;
  const logger = new LoggedHere();
  beforeAll(async () => {
    app = await start();
    app.useLogger(logger);
    app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
    app.useGlobalFilters(new OwnFilter());
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  it('has its models injected, and their calls below its path', async () => {
    expect(await (await fetch(`${url}/own`)).json()).toEqual({ label: [0], same: [0] });
    const answer = await post(`${url}/ml/inference/iris`, { features: IRIS });
    expect(answer).toMatchObject({ status: 200, body: { result: { label: [0] } } });
    expect((await post(`${url}/ml/v2/models/iris/infer`, { inputs: [] })).status).toBe(400);
  });

  it('keeps its parsers, pipes, filters and logger to itself', async () => {
    expect((await post(`${url}/own`, { a: 1 })).body).toEqual({ echoed: { a: 1 } });
    expect((await fetch(`${url}/own/fails`)).status).toBe(418);
    expect((await post(`${url}/ml/inference/iris`, {})).body).toMatchObject({ code: 'missing_input' });
    expect((await fetch(`${url}/mlnothing`)).status).toBe(418);
    new Logger('Own').log('said by the host');
    expect(logger.lines).toContain('Own: said by the host');
    expect(logger.lines.join('\n')).not.toMatch(/InstanceLoader/);
  });
});

it('takes options that are made when the application starts', async () => {
  @Module({
    imports: [NestorModule.forRootAsync({ useFactory: () => Promise.resolve({ modelDir: MODELS }) })],
  })
  class Late {}
  const app = await NestFactory.createApplicationContext(Late, { logger: false });
  expect((await app.get<Package.Nestor>(Nestor).infer('iris', { features: IRIS })).outputs.label).toEqual([
    0,
  ]);
  await app.close();
});
