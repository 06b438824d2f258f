import type { AppConfig, HttpConfig } from '../config/config.slices';
import type { Ready } from './ipc/messages';

/** The one line for people, when everything that was to be loaded is, or will not be. */
export function banner(
  app: Pick<AppConfig, 'projectName' | 'version'>,
  http: Pick<HttpConfig, 'host' | 'port' | 'tls'>,
  { models, ready, unavailable }: Ready,
  workers: number,
): string {
  const everywhere = http.host === '0.0.0.0' || http.host === '::';
  const host = everywhere ? 'localhost' : http.host.includes(':') ? `[${http.host}]` : http.host;
  const address = `${http.tls === undefined ? 'http' : 'https'}://${host}:${http.port}`;
  const processes = workers === 0 ? 'one process' : `${workers} worker${workers === 1 ? '' : 's'}`;
  const serving =
    models.length === 0
      ? 'no models'
      : `models: ${models.map(({ model, version }) => `${model} ${version}`).join(', ')}`;
  const missing = unavailable.map(({ model, reason }) => `${model} (${reason})`);
  return [
    `${app.projectName} ${app.version} ${ready ? 'is ready' : 'listens, but is NOT ready,'} at ${address}`,
    ` (docs: ${address}/docs), ${processes}, ${serving}`,
    missing.length > 0 ? `, unavailable: ${missing.join(', ')}` : '',
    `, pid ${process.pid}`,
  ].join('');
}
