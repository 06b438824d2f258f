import type { LoadedVersion } from './ipc/loaded-version';
import type { AppConfig, HttpConfig } from '../config/config.slices';

/** The one line for people, when everything is ready. */
export function banner(
  app: Pick<AppConfig, 'projectName' | 'version'>,
  http: Pick<HttpConfig, 'host' | 'port'>,
  models: readonly LoadedVersion[],
  workers: number,
): string {
  const everywhere = http.host === '0.0.0.0' || http.host === '::';
  const host = everywhere ? 'localhost' : http.host.includes(':') ? `[${http.host}]` : http.host;
  const address = `http://${host}:${http.port}`;
  const processes = workers === 0 ? 'one process' : `${workers} worker${workers === 1 ? '' : 's'}`;
  const serving =
    models.length === 0
      ? 'no models'
      : `models: ${models.map(({ model, version }) => `${model} ${version}`).join(', ')}`;
  return `${app.projectName} ${app.version} is ready at ${address} (docs: ${address}/docs), ${processes}, ${serving}, pid ${process.pid}`;
}
