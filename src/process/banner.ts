import type { AppConfig, HttpConfig } from '../config/config.slices';
import type { Ready } from './ipc/messages';

const MAX_LISTED = 20;

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
      ? `no models${unavailable.length > 0 ? '' : ' (one goes into MODEL_DIR as <name>/1/model.onnx)'}`
      : `models: ${listed(models.map(({ model, version }) => `${model} ${version}`))}`;
  const missing = unavailable.map(({ model, reason }) => `${model} (${reason})`);
  return [
    `${app.projectName} ${app.version} ${ready ? 'is ready' : 'listens, but is NOT ready,'} at ${address}`,
    ` (docs: ${address}/docs), ${processes}, ${serving}`,
    missing.length > 0 ? `, unavailable: ${listed(missing)}` : '',
    `, pid ${process.pid}`,
  ].join('');
}

function listed(all: readonly string[]): string {
  const more = all.length - MAX_LISTED;
  return all.slice(0, MAX_LISTED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
