import { ConfigurationError } from './config/configuration-error';
import { toEnvironment, type NestorOptions as SettingOptions } from './config/options';
import { parseSettings } from './config/settings';
import type { Settings } from './config/slices';

/** What a part of somebody's application cannot choose: it has no port, no workers and no signals of its own. */
type OfAServer =
  | 'host'
  | 'port'
  | 'workers'
  | 'managementPort'
  | 'heartbeatTimeoutMs'
  | 'workerMemoryLimit'
  | 'headersTimeoutMs'
  | 'requestTimeoutMs'
  | 'keepAliveTimeoutMs';

/** Settings by their names in camel case, such as `modelDir`; what is left out has the default of `.env.example`. */
export type NestorOptions = Omit<SettingOptions, OfAServer>;

const OF_A_SERVER: Readonly<Record<OfAServer, true>> = {
  host: true,
  port: true,
  workers: true,
  managementPort: true,
  heartbeatTimeoutMs: true,
  workerMemoryLimit: true,
  headersTimeoutMs: true,
  requestTimeoutMs: true,
  keepAliveTimeoutMs: true,
};

/** Other defaults than a server's: the application has logs of its own, and says where the calls are. */
const DEFAULTS = { apiPrefix: '/', logDir: '', accessLog: false, page: false } as const;

/**
 * @throws ConfigurationError with every fault of the options
 * @internal
 */
export function embeddedSettings(options: NestorOptions): Settings {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new ConfigurationError([`options must be an object, such as { modelDir: 'models' }`]);
  }
  const misplaced = Object.keys(options).filter((option) => option in OF_A_SERVER);
  if (misplaced.length > 0) {
    throw new ConfigurationError(
      misplaced.map((option) => `${option} is for a server of its own: run \`nestor serve\` to have one`),
    );
  }
  return parseSettings(toEnvironment({ ...DEFAULTS, ...options, workers: 0 }));
}
