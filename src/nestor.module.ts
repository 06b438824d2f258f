import {
  type DynamicModule,
  Inject,
  Injectable,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConfigurationError } from './config/configuration-error';
import { createNestor } from './create-nestor';
import { Nestor } from './nestor';
import type { NestorOptions } from './nestor-options';

/** What `NestorModule` takes: the options of `createNestor`, and where its calls are in the application. */
export interface NestorModuleOptions extends NestorOptions {
  /** Such as `/ml`, below which the HTTP calls are then; left out: there are none, and `infer()` is all. */
  readonly mount?: string;
}

export interface NestorModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: NonNullable<Extract<Provider, { useFactory: unknown }>['inject']>;
  readonly useFactory: (...args: never[]) => NestorModuleOptions | Promise<NestorModuleOptions>;
}

const OPTIONS = Symbol('NESTOR_OPTIONS');

/** Injects one model: `constructor(@InjectModel('iris') private readonly iris: Model)`. Needs `NestorModule.forModels`. */
export function InjectModel(name: string): ParameterDecorator & PropertyDecorator {
  return Inject(modelToken(name));
}

function modelToken(name: string): string {
  return `NESTOR_MODEL(${name})`;
}

/** The part of Fastify that is needed to stand before its parsers. https://fastify.dev/docs/latest/Reference/Hooks/ */
interface FastifyLike {
  addHook(
    name: 'onRequest',
    hook: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): void },
      done: () => void,
    ) => void,
  ): void;
}

/** Hands requests below a path to a `Nestor`, before anything of the application reads their bodies. */
@Injectable()
class Mount {
  constructor(
    { httpAdapter }: HttpAdapterHost,
    nestor: Nestor,
    @Inject(OPTIONS) options: NestorModuleOptions,
  ) {
    const { mount } = options;
    if (mount === undefined) return;
    if (httpAdapter.getType() === 'fastify') {
      httpAdapter.getInstance<FastifyLike>().addHook('onRequest', (request, reply, done) => {
        if (!isBelow(request.raw.url, mount)) return done();
        reply.hijack();
        nestor.handler(stripped(request.raw, mount), reply.raw);
      });
    } else {
      httpAdapter.use((req: IncomingMessage, res: ServerResponse, next: () => void) => {
        if (isBelow(req.url, mount)) nestor.handler(stripped(req, mount), res);
        else next();
      });
    }
  }
}

/** Before anything is loaded that nobody would unload. @throws ConfigurationError */
function checkMount(mount: string | undefined): void {
  if (mount !== undefined && !/^(\/[\w.-]+)+$/.test(mount))
    throw new ConfigurationError(['mount must be a path such as /ml, without a slash at its end']);
}

function isBelow(url: string | undefined, mount: string): boolean {
  return url !== undefined && url.startsWith(mount) && ['/', '?', undefined].includes(url[mount.length]);
}

function stripped(req: IncomingMessage, mount: string): IncomingMessage {
  const rest = req.url?.slice(mount.length) ?? '';
  req.url = rest.startsWith('/') ? rest : `/${rest}`;
  return req;
}

/** Unloads the models when the application ends. */
@Injectable()
class Closing implements OnApplicationShutdown {
  constructor(private readonly nestor: Nestor) {}

  onApplicationShutdown(): Promise<void> {
    return this.nestor.close();
  }
}

/**
 * Models inside a Nest application: `NestorModule.forRoot({modelDir: 'models'})`, then inject `Nestor`. The application's
 * own pipes, filters, guards and parsers see nothing of it.
 */
@Module({})
export class NestorModule {
  static forRoot(options: NestorModuleOptions = {}): DynamicModule {
    return NestorModule.with([{ provide: OPTIONS, useValue: options }]);
  }

  /** Options that are known only when the application starts, from its own configuration for one. */
  static forRootAsync({ imports, inject = [], useFactory }: NestorModuleAsyncOptions): DynamicModule {
    return NestorModule.with([{ provide: OPTIONS, inject, useFactory }], imports);
  }

  /** Makes models injectable by name, see `InjectModel`. */
  static forModels(...names: readonly string[]): DynamicModule {
    const providers = names.map((name) => ({
      provide: modelToken(name),
      inject: [Nestor],
      useFactory: (nestor: Nestor) => nestor.model(name),
    }));
    return { module: NestorModels, providers, exports: providers.map(({ provide }) => provide) };
  }

  private static with(options: Provider[], imports: ModuleMetadata['imports'] = []): DynamicModule {
    return {
      module: NestorModule,
      global: true,
      imports,
      providers: [
        ...options,
        {
          provide: Nestor,
          inject: [OPTIONS],
          useFactory: ({ mount, ...given }: NestorModuleOptions) => {
            checkMount(mount);
            return createNestor(given);
          },
        },
        Mount,
        Closing,
      ],
      exports: [Nestor],
    };
  }
}

@Module({})
class NestorModels {}
