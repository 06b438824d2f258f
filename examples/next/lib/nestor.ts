import { createNestor, type Nestor } from 'nestor';
import type { Models } from './models';

/** In development a module is loaded again after every change; the models need not be. */
const shared = globalThis as typeof globalThis & { nestor?: Promise<Nestor<Models>> };

/** One for all requests. */
export function nestor(): Promise<Nestor<Models>> {
  return (shared.nestor ??= createNestor<Models>({ modelDir: process.env.MODEL_DIR ?? 'models' }));
}
