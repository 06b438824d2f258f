import { plainToInstance } from 'class-transformer';
import { parse } from 'dotenv';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Validator } from './class-validator';
import { ConfigurationError } from './configuration-error';
import { Environment } from './environment';
import { type Settings, slices } from './slices';

/** The variables by name, as `process.env` has them. */
export type EnvironmentText = Readonly<Record<string, string | undefined>>;

/**
 * The settings that an environment asks for, frozen. Variables of other programs are ignored.
 * @throws ConfigurationError with every fault there is.
 */
export function parseSettings(env: EnvironmentText): Settings {
  const environment = plainToInstance(Environment, env, {
    excludeExtraneousValues: true,
    exposeUnsetFields: false, // what is left out keeps its default
  });
  const faults = new Validator()
    .validateSync(environment)
    .flatMap(({ constraints }) => Object.values(constraints ?? {}));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return frozen({
    app: slices.app(environment),
    http: slices.http(environment),
    cluster: slices.cluster(environment),
    models: slices.models(environment),
    inference: slices.inference(environment),
    processing: slices.processing(environment),
    metrics: slices.metrics(environment),
    logging: slices.logging(environment),
    tracing: slices.tracing(environment),
    cache: slices.cache(environment),
    remote: slices.remote(environment),
    access: slices.access(environment),
  });
}

/** Freezes a tree of plain objects and arrays. */
function frozen<T extends object>(tree: T): T {
  for (const value of Object.values(tree)) {
    if (typeof value === 'object' && value !== null) frozen(value as object);
  }
  return Object.freeze(tree);
}

/**
 * The environment of the process on top of the `.env` file in the folder, if there is one: what the process
 * was really given wins, an empty text included.
 */
export function readEnvironment(
  folder: string = process.cwd(),
  given: EnvironmentText = process.env,
): EnvironmentText {
  return { ...readDotEnv(folder), ...given };
}

/** The `.env` file in the folder alone; empty where there is none. */
export function readDotEnv(folder: string = process.cwd()): EnvironmentText {
  return parse(readDotEnvText(folder));
}

/** Its text; empty where there is none. */
export function readDotEnvText(folder: string = process.cwd()): string {
  return readEnvFile(join(folder, '.env'));
}

function readEnvFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new ConfigurationError(['.env must be a file that this process may read']);
  }
}

/** Makes flags of the command line part of this process's environment, where they win and its workers find them. */
export function useFlags(flags: EnvironmentText): void {
  Object.assign(process.env, flags);
}

let cached: Settings | undefined;

/** The settings of this process, read once; later changes of the environment or the file change nothing. */
export function settings(): Settings {
  cached ??= parseSettings(readEnvironment());
  return cached;
}
