import './config/telemetry-off';
import { createEmbedded } from './bootstrap';
import { type AnyModels, Nestor } from './nestor';
import { embeddedSettings, type NestorOptions } from './nestor-options';

/**
 * Loads the models and makes them callable from this process. Nothing of it is shared with the application around it, and
 * there may be several.
 * @throws ConfigurationError with every fault of the options; what kept a required model from being loaded
 */
export async function createNestor<Models extends object = AnyModels>(
  options: NestorOptions = {},
): Promise<Nestor<Models>> {
  const settings = embeddedSettings(options);
  const { app, handler } = await createEmbedded(settings);
  return new Nestor<Models>(app, handler, settings);
}
