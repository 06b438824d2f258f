import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ConfigurationError } from '../config/configuration-error';
import type { Settings } from '../config/slices';

type Checked = Pick<Settings, 'cluster' | 'http' | 'models' | 'remote'>;

/**
 * What no worker could start with, looked for before there is one: so it costs a line, and not a series of dead
 * workers. Paths and ports are named, as only whoever starts the server reads this.
 * @throws ConfigurationError with every fault there is
 */
export async function checkStart({ cluster, http, models, remote }: Checked): Promise<void> {
  const checks = [checkPort('PORT', http.host, http.port)];
  if (cluster.managementPort !== 0) {
    checks.push(checkPort('MANAGEMENT_PORT', http.host, cluster.managementPort));
  }
  checks.push(modelsFault({ models, remote }));
  const faults = (await Promise.all(checks)).filter((fault) => fault !== undefined);
  if (faults.length > 0) throw new ConfigurationError(faults);
}

/** Why there can be no models where they are to be; undefined where there can. */
export async function modelsFault({
  models,
  remote,
}: Pick<Checked, 'models' | 'remote'>): Promise<string | undefined> {
  // A server of nothing but another server's model needs no folder, and one that fetches its models makes it.
  if (remote.externalUrl !== undefined || models.sources.length > 0) return undefined;
  return models.only?.file === undefined
    ? checkModelFolder(models.dir)
    : checkModelFile(join(models.dir, models.only.file));
}

async function checkModelFolder(dir: string): Promise<string | undefined> {
  const name = 'set MODEL_DIR to the folder that your models are in';
  try {
    return (await stat(dir)).isDirectory() ? undefined : `the model folder ${dir} is not a folder; ${name}`;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const absent = code === 'ENOENT' || code === 'ENOTDIR';
    return `the model folder ${dir} ${absent ? 'does not exist' : `cannot be read (${code})`}; ${name}`;
  }
}

async function checkModelFile(file: string): Promise<string | undefined> {
  const isFile = await stat(file).then(
    (stats) => stats.isFile(),
    () => false,
  );
  return isFile
    ? undefined
    : `there is no model file ${file}; set MODEL_DIR to a folder of models, or to one .onnx file`;
}

/** Takes the port and gives it back at once. */
function checkPort(setting: string, host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(portFault(setting, host, port, code)));
    probe.listen({ host, port }, () => probe.close(() => resolve(undefined)));
  });
}

function portFault(setting: string, host: string, port: number, code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is taken at ${host}; set ${setting} to a free one, or end what listens there`;
    case 'EACCES':
      return `port ${port} may not be taken by this user; set ${setting} to one from 1024`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine (${code}); set HOST`;
    default:
      return `port ${port} at ${host} cannot be taken (${code}); set ${setting} or HOST`;
  }
}
