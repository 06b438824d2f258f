import './config/telemetry-off';
import { createEmbedded } from './bootstrap';
import { ConfigurationError } from './config/configuration-error';
import { type AnyModels, Nestor } from './nestor';
import { embeddedSettings, type NestorOptions } from './nestor-options';
import { modelsFault } from './process/start-checks';
import { ProcessLog } from './telemetry/logging/process-log';

/**
 * Loads the models and makes them callable from this process. Nothing of it is shared with the application around it, and
 * there may be several. Where a model cannot be loaded it is there all the same: `ready` and `models()` say so.
 * @throws ConfigurationError with every fault of the options, or where there is no model folder
 */
export async function createNestor<Models extends object = AnyModels>(
  options: NestorOptions = {},
): Promise<Nestor<Models>> {
  const settings = embeddedSettings(options);
  const fault = await modelsFault(settings);
  if (fault !== undefined) throw new ConfigurationError([fault]);
  const { app, handler } = await createEmbedded(settings);
  return new Nestor<Models>(app, handler, settings, () => app.get(ProcessLog).close());
}
